import type { EmptyCells } from "../core/files/csv-text.ts";
import type {
  ImportCsv,
  ImportEncoding,
  ImportForm,
  ImportFormat,
  ImportOperation,
} from "../core/imports/import-form.ts";
import { CSV_CHARACTER, TIME_OFFSET } from "../core/imports/import-form.ts";
import type { RecordProblem } from "../core/refusals/problems.ts";
import { problem } from "../core/refusals/problems.ts";
import type { LaunchOptions } from "../core/tasks/launch-options.ts";
import { nearestName } from "../kernel/nearest-name.ts";

/** What the query string of an import says. */
export interface ImportParameters {
  readonly form: Omit<ImportForm, "model" | "format">;
  /** Default: the content type, or the name of the file, says it. */
  readonly format?: ImportFormat;
  readonly options: LaunchOptions;
}

/** Reads one parameter: its value, or undefined for a text that is none. */
interface Parameter {
  readonly expected: string;
  parse(text: string): unknown;
}

function oneOf<Value>(values: Readonly<Record<string, Value>>): Parameter {
  return {
    expected: `one of ${Object.keys(values).join(", ")}`,
    parse: (text) => (Object.hasOwn(values, text.toLowerCase()) ? values[text.toLowerCase()] : undefined),
  };
}

const FLAG = oneOf({ true: true, false: false });
const TEXT: Parameter = { expected: "a text", parse: (text) => text };
const SEPARATORS: ReadonlyMap<string, string> = new Map([
  ["comma", ","],
  ["semicolon", ";"],
  ["tab", "\t"],
  ["pipe", "|"],
]);
const CHARACTER: Parameter = {
  expected: CSV_CHARACTER.expected,
  parse: (text) => SEPARATORS.get(text.toLowerCase()) ?? (CSV_CHARACTER.isFit(text) ? text : undefined),
};

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  operation: oneOf<ImportOperation>({ create: "CREATE", update: "UPDATE", upsert: "UPSERT" }),
  format: oneOf<ImportFormat>({ csv: "CSV", jsonl: "JSONL" }),
  key: TEXT,
  mapping: { expected: 'a JSON object of texts, such as {"Full name": "name"}', parse: parseMapping },
  separator: CHARACTER,
  quote: CHARACTER,
  encoding: oneOf<ImportEncoding>({
    "utf-8": "UTF-8",
    "iso-8859-1": "ISO-8859-1",
    "windows-1252": "ISO-8859-1",
    "utf-16le": "UTF-16LE",
    "utf-16be": "UTF-16BE",
  }),
  empty: oneOf<EmptyCells>({ quotes: "BY_QUOTES", null: "NULL", text: "TEXT" }),
  formulas: oneOf({ escaped: true, plain: false }),
  decimalComma: FLAG,
  timeOffset: {
    expected: TIME_OFFSET.expected,
    parse: (text) => (TIME_OFFSET.isFit(text) ? text : undefined),
  },
  onConflict: oneOf({ reject: "REJECT", skip: "SKIP", wait: "WAIT" }),
  errorPolicy: oneOf({ all_or_nothing: "ALL_OR_NOTHING", skip_failed: "SKIP_FAILED" }),
  mode: oneOf({ auto: "AUTO", sync: "SYNC", async: "ASYNC" }),
  idempotencyKey: TEXT,
  maxAffected: {
    expected: "a whole number",
    parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
  },
  dryRun: FLAG,
  label: TEXT,
  notify: { expected: 'a JSON list such as [{"channel": "IN_APP"}]', parse: parseNotify },
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseMapping(text: string): unknown {
  const value = parseJson(text);
  const isMapping =
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((path) => typeof path === "string");
  return isMapping ? value : undefined;
}

function parseNotify(text: string): unknown {
  const value = parseJson(text);
  return Array.isArray(value) && value.every((one) => typeof one === "object" && one !== null)
    ? value
    : undefined;
}

/** The parameters in a query string; or the problems of all that cannot be. Names and words are told with the nearest ones. */
export function readImportParameters(
  query: URLSearchParams,
): { readonly value: ImportParameters } | { readonly problems: readonly RecordProblem[] } {
  const problems: RecordProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    const texts = query.getAll(name);
    const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (parameter === undefined) {
      problems.push(unknownParameter(name));
    } else if (texts.length > 1) {
      problems.push(problem(`${name}: is given ${texts.length} times. Give it once.`, name));
    } else {
      const [text = ""] = texts;
      values[name] = parameter.parse(text);
      if (values[name] === undefined) {
        const shown = JSON.stringify(text.slice(0, 60));
        problems.push(problem(`${name}: needs ${parameter.expected}, not ${shown}.`, name));
      }
    }
  }
  if (!query.has("operation")) {
    problems.push(problem("operation: say create, update or upsert.", "operation"));
  }
  return problems.length > 0 ? { problems } : { value: toParameters(values) };
}

function unknownParameter(name: string): RecordProblem {
  const nearest = nearestName(name, Object.keys(PARAMETERS));
  const known =
    nearest === undefined ? `Known are ${Object.keys(PARAMETERS).join(", ")}.` : `Did you mean ${nearest}?`;
  return problem(`There is no parameter "${name.slice(0, 60)}". ${known}`, name.slice(0, 60));
}

function toParameters(values: Readonly<Record<string, unknown>>): ImportParameters {
  const pick = (names: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      Object.entries(names).flatMap(([parameter, name]) =>
        values[parameter] === undefined ? [] : [[name, values[parameter]]],
      ),
    );
  const csv: ImportCsv = pick(CSV_NAMES);
  return {
    form: {
      ...(pick(FORM_NAMES) as Omit<ImportForm, "model" | "format">),
      ...(Object.keys(csv).length === 0 ? {} : { csv }),
    },
    ...(pick(same("format")) satisfies Pick<ImportParameters, "format">),
    options: pick(OPTION_NAMES),
  };
}

const same = (...names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, name]));

const CSV_NAMES = { ...same("separator", "quote", "empty"), formulas: "areFormulasEscaped" };
const FORM_NAMES = {
  ...same("operation", "key", "mapping", "encoding", "timeOffset"),
  decimalComma: "hasDecimalComma",
};
const OPTION_NAMES = same(
  "onConflict",
  "errorPolicy",
  "mode",
  "idempotencyKey",
  "maxAffected",
  "dryRun",
  "label",
  "notify",
);
