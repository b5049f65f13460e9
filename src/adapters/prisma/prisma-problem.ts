import { databaseProblem } from "../../core/records/database-problem.ts";
import type { Model } from "../../core/records/model.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import { problem } from "../../core/refusals/problems.ts";
import type { AdapterReport, PrismaErrorShape } from "./prisma-unavailable.ts";
import { adapterReport } from "./prisma-unavailable.ts";

const LINK_MISSING = problem(
  "A record that it was to be linked with is not there.",
  undefined,
  "CONSTRAINT_VIOLATED",
);

/** Prisma's codes where it refused by itself, without a word of the database. */
const OWN_CODES: Readonly<Record<string, RecordProblem>> = {
  P2025: problem("The record is not there.", undefined, "RECORD_MISSING"),
  P2015: LINK_MISSING,
  P2014: problem("It would break a required relation of another record.", undefined, "CONSTRAINT_VIOLATED"),
};

/**
 * What a record's values did wrong, read off an error of Prisma's client; undefined when the error is not of their
 * making. The client hands on less than the driver: of a rule often only the name.
 */
export function prismaProblem(error: unknown, model: Model): RecordProblem | undefined {
  const report = adapterReport(error);
  return (report && reportedProblem(report, model)) ?? ownProblem(error as PrismaErrorShape | null);
}

function reportedProblem(report: AdapterReport, model: Model): RecordProblem | undefined {
  const { originalCode: code = "", originalMessage: message = "", constraint } = report;
  const columns = constraint?.fields;
  // As PostgreSQL begins its detail, whose values the client keeps to itself.
  const detail = columns === undefined ? undefined : `Key (${columns.join(", ")})=`;
  return databaseProblem(
    { code, message, constraint: constraint?.index, column: columns?.[0], detail },
    model,
  );
}

function ownProblem(error: PrismaErrorShape | null): RecordProblem | undefined {
  // The same code for the record itself and for its links; only these tell how many there should have been.
  const isLink = error?.code === "P2025" && error.meta?.expectedRows !== undefined;
  return isLink ? LINK_MISSING : OWN_CODES[error?.code ?? ""];
}
