import type { BulkOperation } from "../../core/bulk/bulk-writer.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import { relatedModel } from "../../core/records/model.ts";
import type { WrittenValue } from "../../core/records/value-fault.ts";
import { valueFault } from "../../core/records/value-fault.ts";
import type { TableShape } from "./table-shape.ts";

/** The parts of PostgreSQL's error report that tell a person what was wrong. */
interface DatabaseReport {
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
}

type Wording = (report: DatabaseReport, table: TableShape) => Omit<RecordProblem, "code">;

/** What a record's own values can make PostgreSQL say, by SQLSTATE (PostgreSQL manual, appendix A). */
const WORDINGS: Readonly<Record<string, Wording>> = {
  "23502": (report, table) => {
    const field = fieldOf(table, report.column);
    return { message: `${field ?? report.column ?? "A field"} cannot be null.`, ...named(field) };
  },
  "23503": (report, table) => {
    const { columns, values } = keyOf(report);
    const fields = fieldsOf(table, columns);
    return referringTable(report) === undefined
      ? {
          message: `${subject(fields, columns) ?? "The foreign key"}: there is no record ${values ?? "of that key"} to refer to.`,
          ...named(fields?.join(",")),
        }
      : stillReferred(report, table);
  },
  // `ON DELETE RESTRICT`, which PostgreSQL 18 tells apart from a missing key.
  "23001": (report, table) => stillReferred(report, table),
  "23505": (report, table) => {
    const { columns, values } = keyOf(report);
    const fields = fieldsOf(table, columns);
    return {
      message: `${subject(fields, columns) ?? "The value"} must be unique: another record has ${values ?? "it"}.`,
      ...named(fields?.join(",")),
    };
  },
  "23514": (report) => ({ message: `It would break the rule ${report.constraint ?? "of the table"}.` }),
  "23P01": (report) => ({
    message: `It would break the exclusion rule ${report.constraint ?? "of the table"}.`,
  }),
  "22001": () => ({ message: "A text is longer than its column allows." }),
  "22003": () => ({ message: "A number would go beyond what its column can hold." }),
  "22P02": () => ({ message: "A value is not of its column's type." }),
  // Raised by the app's own triggers, in words meant for people.
  P0001: (report) => ({ message: report.message }),
};

/** Other values that PostgreSQL refuses: data exceptions, integrity rules, views' check options, program limits. */
const VALUE_CLASSES = /^(?:22|23|44|54)/;
/** Classes that the SQL standard leaves to users: what an app's own functions raise, in their own words. */
const USER_CLASSES = /^(?:P|[I-OQ-WYZ5-9])(?!0[0-9]{3}$)\w{4}$/;
const SERVER_CLASSES = /^(?:5[3-8]|72)/;

function wordingOf(code: string): Wording | undefined {
  const known = WORDINGS[code];
  if (known !== undefined || SERVER_CLASSES.test(code)) {
    return known;
  }
  if (VALUE_CLASSES.test(code)) {
    return () => ({ message: "The database refuses a value of it." });
  }
  return USER_CLASSES.test(code) ? (report) => ({ message: report.message }) : undefined;
}

/**
 * What a record's values did wrong, or undefined when the error is not of their making.
 * @param values what was to be written, where it is known which record it is about: then more can be told
 */
export function constraintProblem(
  error: unknown,
  table: TableShape,
  values: readonly WrittenValue[] = [],
): RecordProblem | undefined {
  const report = error as Partial<DatabaseReport> | null;
  if (typeof report?.code !== "string") {
    return undefined;
  }
  const wording = wordingOf(report.code);
  return (
    wording && {
      code: "CONSTRAINT_VIOLATED",
      ...wording(report as DatabaseReport, table),
      ...valueFault(report.code, values),
    }
  );
}

/**
 * Whether every record would fail the same way, because of a value that the change sets on all: null where there must
 * be something, or a foreign key of one column that leads nowhere. Saves trying each one. Anything else, a foreign
 * key of several columns or what a trigger says, may depend on the record.
 */
export function failsForEveryRecord(error: unknown, table: TableShape, operation: BulkOperation): boolean {
  const report = error as DatabaseReport;
  const isForeignKey = report.code === "23503" && report.constraint !== undefined;
  const field = fieldOf(table, isForeignKey ? keyOf(report).columns : report.column);
  if (operation.operation !== "UPDATE" || field === undefined) {
    return false;
  }
  const change = operation.change[field];
  const value = change !== undefined && "set" in change ? change.set : undefined;
  // A trigger may raise the same code; only where null was really set is it the change's doing.
  return isForeignKey ? value !== undefined : report.code === "23502" && value === null;
}

/** `Key (code)=(FR) is still referenced from table "city".`, without "still" for RESTRICT. */
function referringTable(report: DatabaseReport): string | undefined {
  return /is (?:still )?referenced from table "([^"]+)"/.exec(report.detail ?? "")?.[1];
}

function stillReferred(report: DatabaseReport, { model }: TableShape): { message: string } {
  const table = referringTable(report);
  const others = table === undefined ? "another model" : (relatedModel(model, table) ?? table);
  return { message: `It is still referred to by records of ${others}.` };
}

/** `Key (country_code)=(ZZ) is not present …` */
function keyOf(report: DatabaseReport): { columns: string | undefined; values: string | undefined } {
  const match = /^Key \((.*?)\)=\((.*?)\) /.exec(report.detail ?? "");
  return { columns: match?.[1], values: match?.[2] };
}

function fieldOf(table: TableShape, column: string | undefined): string | undefined {
  const bare = column?.replaceAll('"', "");
  return [...table.columns.values()].find(({ field }) => field.column === bare)?.field.name;
}

/** Of `"bookId", who`, which quotes what it must; undefined where one of them is no field, such as an expression. */
function fieldsOf(table: TableShape, columns: string | undefined): readonly string[] | undefined {
  const names = columns?.split(", ").map((name) => fieldOf(table, name)) ?? [];
  return names.length > 0 && names.every((name) => name !== undefined) ? names : undefined;
}

function subject(fields: readonly string[] | undefined, columns: string | undefined): string | undefined {
  return fields?.join(" and ") ?? columns?.replaceAll('"', "");
}

function named(field: string | undefined): { field?: string } {
  return field === undefined ? {} : { field };
}
