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

/** Prisma's codes for refusals of its own, without an error of the database. */
const OWN_CODES: Readonly<Record<string, RecordProblem>> = {
  P2025: problem("The record is not there.", undefined, "RECORD_MISSING"),
  P2015: LINK_MISSING,
  P2014: problem("It would break a required relation of another record.", undefined, "CONSTRAINT_VIOLATED"),
};

/**
 * Turns an error of Prisma's client into a problem of the record; undefined when its values did not cause the error. The
 * client passes on less than the driver does, for example only a constraint's name.
 */
export function prismaProblem(error: unknown, model: Model): RecordProblem | undefined {
  const report = adapterReport(error);
  return (report && reportedProblem(report, model)) ?? ownProblem(error as PrismaErrorShape | null);
}

function reportedProblem(report: AdapterReport, model: Model): RecordProblem | undefined {
  const { originalCode: code = "", originalMessage: message = "", constraint } = report;
  const columns = constraint?.fields;
  // The beginning of PostgreSQL's detail. The client does not pass on the values that follow.
  const detail = columns === undefined ? undefined : `Key (${columns.join(", ")})=`;
  return databaseProblem(
    { code, message, constraint: constraint?.index, column: columns?.[0], detail },
    model,
  );
}

function ownProblem(error: PrismaErrorShape | null): RecordProblem | undefined {
  // P2025 may be about the record itself or its links; only for links it has the number of expected rows.
  const isLink = error?.code === "P2025" && error.meta?.expectedRows !== undefined;
  return isLink ? LINK_MISSING : OWN_CODES[error?.code ?? ""];
}
