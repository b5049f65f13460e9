import type { Model } from "../../core/records/model.ts";
import { columnsOf, relatedModel } from "../../core/records/model.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import type { WrittenValue } from "../../core/records/value-fault.ts";
import { valueFault } from "../../core/records/value-fault.ts";
import type { AdapterReport, PrismaErrorShape } from "./prisma-unavailable.ts";
import { adapterReport } from "./prisma-unavailable.ts";

/** The columns of a constraint or unique index, by its name; undefined for one that the database does not have. */
export type ConstraintColumns = (constraint: string) => readonly string[] | undefined;

/** What a wording is made from. */
interface Refused {
  readonly report: AdapterReport;
  readonly model: Model;
  /** The fields at fault, as far as the database tells. */
  readonly fields: readonly string[];
}

type Wording = (refused: Refused) => string;

const subject = (fields: readonly string[], otherwise: string): string =>
  fields.length > 0 ? fields.join(" and ") : otherwise;

/** What a record's own values can make PostgreSQL say, by SQLSTATE (PostgreSQL manual, appendix A). */
const WORDINGS: Readonly<Record<string, Wording>> = {
  "23502": ({ fields }) => `${subject(fields, "A field")} cannot be null.`,
  "23503": (refused) =>
    othersRefer(refused)
      ? stillReferred(refused)
      : `${subject(refused.fields, "The foreign key")}: there is no record of that key to refer to.`,
  "23001": (refused) => stillReferred(refused),
  "23505": ({ fields, model }) =>
    `${subject(fields, "The value")} must be unique: another ${model.name} has this value.`,
  "23514": ({ report }) => `It would break the rule ${quotedConstraint(report) ?? "of the table"}.`,
  "23P01": ({ report }) => `It would break the exclusion rule ${quotedConstraint(report) ?? "of the table"}.`,
  "22001": () => "A text is longer than its column allows.",
  "22003": () => "A number would go beyond what its column can hold.",
  "22P02": ({ report }) =>
    `A value is not of its column's type: ${report.originalMessage ?? "see the schema"}.`,
  "22021": () => "A text holds a character that the database cannot store.",
  // Raised by the app's own triggers, in words meant for people.
  P0001: ({ report }) => report.originalMessage ?? "The database's own rules refuse it.",
};

const DATA_EXCEPTIONS = /^22/;
const UNTOLD: Wording = () => "The database refuses a value of it.";

const LINK_MISSING: Pick<RecordProblem, "code" | "message"> = {
  code: "CONSTRAINT_VIOLATED",
  message: "A record that it was to be linked with is not there.",
};

/** Prisma's codes where it refused by itself, without a word of the database. */
const OWN_CODES: Readonly<Record<string, Pick<RecordProblem, "code" | "message">>> = {
  P2025: { code: "RECORD_MISSING", message: "The record is not there." },
  P2015: LINK_MISSING,
  P2014: { code: "CONSTRAINT_VIOLATED", message: "It would break a required relation of another record." },
};

/**
 * What a record's values did wrong, with the field where the database tells which; undefined when the error is not
 * of their making.
 * @param values what was to be written, where that is known: then more can be told
 */
export function prismaProblem(
  error: unknown,
  model: Model,
  columnsOfConstraint: ConstraintColumns,
  values: readonly WrittenValue[] = [],
): RecordProblem | undefined {
  const report = adapterReport(error);
  const state = report?.originalCode ?? "";
  const wording = WORDINGS[state] ?? (DATA_EXCEPTIONS.test(state) ? UNTOLD : undefined);
  if (report === undefined || wording === undefined) {
    return ownProblem(error as PrismaErrorShape | null);
  }
  const refused = {
    report,
    model,
    fields: othersRefer({ report, model, fields: [] })
      ? []
      : fieldsAtFault(model, report, columnsOfConstraint),
  };
  const [only] = refused.fields;
  return {
    code: "CONSTRAINT_VIOLATED",
    message: wording(refused),
    ...(only === undefined ? {} : { field: refused.fields.join(",") }),
    ...valueFault(state, values),
  };
}

function ownProblem(error: PrismaErrorShape | null): RecordProblem | undefined {
  // The same code for the record itself and for its links; only these tell how many there should have been.
  const isLink = error?.code === "P2025" && error.meta?.expectedRows !== undefined;
  return isLink ? LINK_MISSING : OWN_CODES[error?.code ?? ""];
}

/** The name of the constraint or unique index that refused, where the error tells. */
export function refusedBy(error: unknown): string | undefined {
  return adapterReport(error)?.constraint?.index;
}

function fieldsAtFault(
  model: Model,
  report: AdapterReport,
  columnsOfConstraint: ConstraintColumns,
): readonly string[] {
  const { index, fields } = report.constraint ?? {};
  const columns = fields ?? (index === undefined ? [] : columnsOfConstraint(index)) ?? [];
  return columns.flatMap((column) => {
    const bare = column.replaceAll('"', "");
    const field = columnsOf(model).find((candidate) => candidate.column === bare);
    return field === undefined ? [] : [field.name];
  });
}

/** A delete, or a change of the key, that other records stand in the way of; PostgreSQL says "update or delete on table". */
function othersRefer({ report }: Refused): boolean {
  return (
    report.originalCode === "23001" || (report.originalMessage ?? "").startsWith("update or delete on table")
  );
}

function stillReferred({ report, model }: Refused): string {
  const table = /on table "([^"]+)"$/.exec(report.originalMessage ?? "")?.[1];
  const others = table === undefined ? undefined : (relatedModel(model, table) ?? table);
  return `The ${model.name} is still referred to by other records${others === undefined ? "" : ` of ${others}`}.`;
}

function quotedConstraint(report: AdapterReport): string | undefined {
  return /constraint "([^"]+)"/.exec(report.originalMessage ?? "")?.[1];
}
