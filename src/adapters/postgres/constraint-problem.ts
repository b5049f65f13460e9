import type { RecordProblem } from "../../core/records/record-problem.ts";
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
    const field = fieldOf(table, columns);
    const others = /is still referenced from table "([^"]+)"/.exec(report.detail ?? "")?.[1];
    return others === undefined
      ? {
          message: `${field ?? columns ?? "The foreign key"}: there is no record ${values ?? "of that key"} to refer to.`,
          ...named(field),
        }
      : { message: `It is still referred to by records in ${others}.` };
  },
  "23505": (report, table) => {
    const { columns, values } = keyOf(report);
    const field = fieldOf(table, columns);
    return {
      message: `${field ?? columns ?? "The value"} must be unique: another record has ${values ?? "it"}.`,
      ...named(field),
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

/** What a record's values did wrong, or undefined when the error is not of their making. */
export function constraintProblem(error: unknown, table: TableShape): RecordProblem | undefined {
  const report = error as Partial<DatabaseReport> | null;
  const wording = typeof report?.code === "string" ? WORDINGS[report.code] : undefined;
  return wording === undefined
    ? undefined
    : { code: "CONSTRAINT_VIOLATED", ...wording(report as DatabaseReport, table) };
}

/**
 * Whether every record would fail the same way: a value too long, null, of the wrong type or a foreign key that is
 * not there does not depend on the record that it is set on. Saves trying each one.
 */
export function failsForEveryRecord(error: unknown, isUpdate: boolean): boolean {
  const code = (error as Partial<DatabaseReport> | null)?.code ?? "";
  return isUpdate && ["23502", "23503", "22001", "22P02"].includes(code);
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

function named(field: string | undefined): { field?: string } {
  return field === undefined ? {} : { field };
}
