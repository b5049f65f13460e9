import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import { isReadable } from "./field-switches.ts";
import type { ColumnField, Model } from "./model.ts";
import { apiNameOf, columnsOf, relatedModel } from "./model.ts";
import { outsideProblem } from "./scope-checks.ts";
import type { WrittenValue } from "./value-fault.ts";
import { valueFault } from "./value-fault.ts";

/** The parts of PostgreSQL's error report that concern a record. Each adapter reads them from its driver's error. */
export interface DatabaseReport {
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  /** The table whose rule is broken, where the driver tells: not always the model's, because of triggers and cascades. */
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
  /** The function in PostgreSQL's source that reports the error, where the driver tells. */
  readonly routine?: string | undefined;
}

type Wording = (report: DatabaseReport, model: Model) => Omit<RecordProblem, "code">;

/** The messages for errors that a record's own values can cause, by SQLSTATE (PostgreSQL manual, appendix A). */
const WORDINGS: Readonly<Record<string, Wording>> = {
  "23502": (report, model) => {
    const field = fieldOf(model, report.column);
    return { message: `${field ?? report.column ?? "A field"} cannot be null.`, ...named(field) };
  },
  "23503": (report, model) => {
    if (isReferredTo(report)) {
      return stillReferred(report, model);
    }
    const { subject, fields, values } = keyOf(report, model);
    return {
      message: `${subject ?? "The foreign key"}: there is no record ${values ?? "of that key"} to refer to.`,
      ...named(fields?.join(",")),
    };
  },
  // `ON DELETE RESTRICT`: PostgreSQL 18 gives it a code of its own.
  "23001": (report, model) => stillReferred(report, model),
  "23505": (report, model) => {
    const { subject, fields, values } = keyOf(report, model);
    return {
      message: `${subject ?? "The value"} must be unique: another record has ${values ?? "it"}.`,
      ...named(fields?.join(",")),
    };
  },
  "23514": (report) => ({ message: `It would break the rule ${constraintOf(report) ?? "of the table"}.` }),
  "23P01": (report) => ({
    message: `It would break the exclusion rule ${constraintOf(report) ?? "of the table"}.`,
  }),
  "22001": () => ({ message: "A text is longer than its column allows." }),
  "22003": () => ({ message: "A number would go beyond what its column can hold." }),
  "22021": () => ({ message: "A text holds a character that the database cannot store." }),
  "22P02": () => ({ message: "A value is not of its column's type." }),
  "54000": () => ({ message: "A value is too long for the database, such as a text for its index." }),
  // GENERATED ALWAYS.
  "428C9": (report, model) => {
    const column = /column "(.*)"/i.exec(report.message)?.[1];
    const field = fieldOf(model, column);
    return {
      message: `${field ?? column ?? "A field"} is made by the database and cannot be set.`,
      ...named(field),
    };
  },
  // Raised by the app's own triggers, with a message meant for people.
  P0001: (report) => ({ message: report.message }),
};

/** Classes of other refused values: data exceptions, integrity rules, views' check options. */
const VALUE_CLASSES = /^(?:22|23|44)/;
/**
 * Classes that the SQL standard leaves to users, and 45, its own for what users raise: errors of an app's own functions, with
 * messages of their own.
 */
const USER_CLASSES = /^(?:45\w{3}|(?:P|[I-OQ-WYZ5-9])(?!0[0-9]{3}$)\w{4})$/;
const SERVER_CLASSES = /^(?:5[3-8]|72)/;

/**
 * The problem with a record's values; undefined if the error has another cause.
 * @param values what was to be written, if it is known which record failed: the message is then more precise
 */
export function databaseProblem(
  report: DatabaseReport,
  model: Model,
  values: readonly WrittenValue[] = [],
): RecordProblem | undefined {
  if (breaksPolicy(report)) {
    return outsideProblem(model);
  }
  const wording = wordingOf(report.code);
  if (wording === undefined) {
    return undefined;
  }
  if (isOfAnotherTable(report, model)) {
    return problem("It would break a rule of another table.", undefined, "CONSTRAINT_VIOLATED");
  }
  const { message, field } = namesHidden(report, model)
    ? { message: HIDDEN_WORDINGS[report.code] ?? HIDDEN_WORDING, field: undefined }
    : { ...wording(report, model), ...shownFault(report, model, values) };
  return problem(message, field, "CONSTRAINT_VIOLATED");
}

/** Whether a row would break a policy of its table. The code is also that of rights which the service lacks. */
function breaksPolicy({ code, routine, message }: DatabaseReport): boolean {
  return (
    code === "42501" && (routine === "ExecWithCheckOptions" || /row-level security policy/.test(message))
  );
}

/** Whether a rule of another table is broken, whose columns the API may hide. */
function isOfAnotherTable(report: DatabaseReport, model: Model): boolean {
  const isRule = report.code.startsWith("23") && report.code !== "23001" && !isReferredTo(report);
  return isRule && report.table !== undefined && report.table !== model.table;
}

/** The messages for what a column that the API hides refuses: they name neither the column nor its value. */
const HIDDEN_WORDINGS: Readonly<Record<string, string>> = {
  "23502": "A value is missing that only the app itself can set.",
  "23503": "There is no record to refer to by a value that the app itself sets.",
  "23505": "It must be unique: another record has the same values.",
};
const HIDDEN_WORDING = "It would break a rule of the table.";

/** Whether the report's names of columns and constraints, from which messages are made, name a hidden column. */
function namesHidden({ column, constraint, detail, message, code }: DatabaseReport, model: Model): boolean {
  const hidden = columnsOf(model).filter((field) => !isReadable(field));
  if (hidden.length === 0) {
    return false;
  }
  const words = [column, columnsIn(detail), constraintOf({ code, constraint, message })]
    .join(" ")
    .toLowerCase();
  // Constraints are named in any way, so every name that contains a hidden one counts.
  return hidden.some((field) =>
    [field.name, field.column].some((name) => words.includes(name.toLowerCase())),
  );
}

/** The value that the database refused, unless the app set it in a hidden column. */
function shownFault(
  { code }: DatabaseReport,
  model: Model,
  values: readonly WrittenValue[],
): ReturnType<typeof valueFault> {
  const fault = valueFault(code, values);
  const field = columnsOf(model).find(({ name, apiName }) => [name, apiName].includes(fault?.field ?? ""));
  return field === undefined || isReadable(field) ? fault : undefined;
}

/**
 * The problem of a key that another record has already.
 * @param key the columns of the primary key, or of a unique key
 * @param values the key's values, as PostgreSQL writes them
 */
export function takenKeyProblem(
  model: Model,
  key: readonly ColumnField[],
  values: readonly string[],
): RecordProblem {
  const detail = `Key (${key.map(({ column }) => column).join(", ")})=(${values.join(", ")}) already exists.`;
  const { message, field } = {
    field: undefined,
    ...WORDINGS["23505"]?.({ code: "23505", message: "", detail }, model),
  };
  return problem(message ?? "", field, "CONSTRAINT_VIOLATED");
}

/** The field of a foreign key error or a null, if it is a single field. */
export function fieldAtFault(report: DatabaseReport, model: Model): string | undefined {
  return report.code === "23503" && report.constraint !== undefined
    ? fieldOf(model, columnsIn(report.detail))
    : fieldOf(model, report.column);
}

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

/** The constraint's name. Some drivers give it in the message only. */
function constraintOf({ constraint, message }: DatabaseReport): string | undefined {
  return constraint ?? /constraint "([^"]+)"/.exec(message)?.[1];
}

/** `Key (code)=(FR) is still referenced from table "city".`, without "still" for RESTRICT. */
function referringTable({ detail, message }: DatabaseReport): string | undefined {
  return (
    /is (?:still )?referenced from table "([^"]+)"/.exec(detail ?? "")?.[1] ??
    /on table "([^"]+)"$/.exec(message)?.[1]
  );
}

/** Whether other records still refer to the record that was to be deleted, or to get another key. */
function isReferredTo({ detail, message }: DatabaseReport): boolean {
  return /referenced from table/.test(detail ?? "") || message.startsWith("update or delete on table");
}

function stillReferred(report: DatabaseReport, model: Model): { message: string } {
  const table = referringTable(report);
  const others = table === undefined ? "another model" : (relatedModel(model, table) ?? table);
  return { message: `It is still referred to by records of ${others}.` };
}

/** The key in a constraint's error. */
interface ConstraintKey {
  /** The fields, or else the columns, in words: `bookId and title`. */
  readonly subject: string | undefined;
  /** Undefined if one of its columns is not a field, such as an expression. */
  readonly fields: readonly string[] | undefined;
  readonly values: string | undefined;
}

/** Read from the detail, `Key (country_code)=(ZZ) is not present …`, or from a constraint name in Prisma's form. */
function keyOf(report: DatabaseReport, model: Model): ConstraintKey {
  const columns = columnsIn(report.detail);
  const names = columns?.split(", ").map((name) => fieldOf(model, name));
  const fields =
    names?.every((name) => name !== undefined) === true
      ? names
      : conventionalFields(model, constraintOf(report));
  return {
    subject: fields?.join(" and ") ?? columns?.replaceAll('"', ""),
    fields,
    values: /^Key \(.*?\)=\((.*?)\) /.exec(report.detail ?? "")?.[1],
  };
}

/** The columns in the detail: `"bookId", title`. PostgreSQL quotes a name only where it must. */
function columnsIn(detail = ""): string | undefined {
  return /^Key \((.*?)\)=/.exec(detail)?.[1];
}

function fieldOf(model: Model, column: string | undefined): string | undefined {
  const bare = column?.replaceAll('"', "");
  return columnsOf(model).find((field) => field.column === bare)?.apiName;
}

/** The fields of a constraint with a name in Prisma's form, such as `city_country_code_fkey`. */
function conventionalFields(model: Model, constraint = ""): readonly string[] | undefined {
  if (constraint === `${model.table}_pkey`) {
    return model.primaryKey.map((name) => apiNameOf(model, name));
  }
  const middle = /^(.*)_f?key$/.exec(constraint)?.[1];
  const columns = new Map(columnsOf(model).map(({ name, column }) => [name, column]));
  const sets = [
    ...[...columns.keys()].map((name) => [name]),
    ...model.fields.flatMap((field) => (field.kind === "relation" ? [field.foreignKey] : [])),
  ];
  return sets
    .find(
      (set) =>
        set.length > 0 && middle === [model.table, ...set.map((name) => columns.get(name) ?? name)].join("_"),
    )
    ?.map((name) => apiNameOf(model, name));
}

function named(field: string | undefined): { field?: string } {
  return field === undefined ? {} : { field };
}
