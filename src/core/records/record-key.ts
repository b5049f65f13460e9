import { AppError } from "../../kernel/app-error.ts";
import { isStorableText } from "../../kernel/json.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import { toColumnText } from "./column-text.ts";
import type { KeyValue } from "./key-text.ts";
import { describeKeyText, formatKeyText, parseKeyText } from "./key-text.ts";
import type { ColumnField, Model } from "./model.ts";

/** A key's values by field name, typed as Prisma wants them. */
export type RecordKey = Readonly<Record<string, KeyValue>>;

/**
 * Turns an id, as callers write it, into the key's typed values. A single key is the value's text (`2988507`, `FR`). A
 * composite key is the base64url of a JSON array of the parts' texts, in the order of `@@id`.
 *
 * The problem of any other text says what is expected; its field is `id`.
 */
export function parseRecordKey(model: Model, id: string): Parsed<RecordKey> {
  if (model.readOnlyReason !== undefined) {
    return { problems: [problem(`${model.apiName} has no ids: ${model.readOnlyReason}.`, "id")] };
  }
  const parts = model.key.length === 1 ? [id] : splitComposite(id);
  if (parts?.length !== model.key.length) {
    return { problems: [malformed(model, id)] };
  }
  const values = model.key.map((field, at) => parsePart(field, parts[at] ?? ""));
  return values.every((value) => value !== undefined)
    ? { value: Object.fromEntries(model.key.map(({ name }, at) => [name, values[at]])) as RecordKey }
    : { problems: [malformed(model, id)] };
}

/** The canonical text of a key: equal keys give equal texts, and {@link parseRecordKey} reads it back. */
export function formatRecordKey(model: Model, record: Readonly<Record<string, unknown>>): string {
  const parts = model.key.map((field) => formatKeyText(field, record[field.name]));
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? only
    : Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/**
 * The id in its canonical form: `007` becomes `7` for an integer key, a UUID lower case, and a date key loses its time
 * of day.
 */
export function parseRecordId(model: Model, id: string): Parsed<string> {
  const key = parseRecordKey(model, id);
  return "problems" in key ? key : { value: formatRecordKey(model, key.value) };
}

/** The key of an id that was checked before. @throws AppError VALIDATION_FAILED if it is not an id of the model */
export function recordKeyOf(model: Model, id: string): RecordKey {
  return orThrow(parseRecordKey(model, id));
}

/** The key of a canonical id as texts that the database reads (see column-text), in the order of the key's fields. */
export function keyTextsOf(model: Model, id: string): readonly string[] {
  const parts = model.key.length === 1 ? [id] : (splitComposite(id) ?? []);
  return model.key.map((field, at) => toColumnText(field, parts[at] ?? "") ?? "");
}

/** The id in its canonical form. @throws AppError VALIDATION_FAILED if it is not an id of the model */
export function canonicalRecordId(model: Model, id: string): string {
  return orThrow(parseRecordId(model, id));
}

/**
 * The key in the data of a new record. Its problems name the key's fields, not `id`.
 * @param data values of all of the key's fields, typed or as texts
 */
export function keyInData(model: Model, data: Readonly<Record<string, unknown>>): Parsed<RecordKey> {
  const parts = model.key.map((field) => keyPartInData(model, field, data));
  const problems = parts.flatMap((part) => ("problems" in part ? part.problems : []));
  return problems.length > 0
    ? { problems }
    : { value: Object.assign({}, ...parts.map((part) => ("value" in part ? part.value : {}))) as RecordKey };
}

/**
 * Names of the key's fields whose values in the data differ from the key. Fields that the data leaves out do not
 * differ.
 * @param data values typed as in the key, or JSON
 */
export function differingKeyFields(
  model: Model,
  data: Readonly<Record<string, unknown>>,
  key: RecordKey,
): readonly string[] {
  const id = formatRecordKey(model, key);
  return model.key.flatMap(({ name }) => {
    if (data[name] === undefined) {
      return [];
    }
    const named = parseRecordId(model, formatRecordKey(model, { ...key, [name]: data[name] }));
    // A text that cannot be a key, such as one that is not a UUID, differs from every key.
    return "value" in named && named.value === id ? [] : [name];
  });
}

function keyPartInData(
  model: Model,
  field: ColumnField,
  data: Readonly<Record<string, unknown>>,
): Parsed<RecordKey> {
  const alone = { ...model, key: [field] };
  const text = formatRecordKey(alone, data);
  if (text === "") {
    const what = model.key.length === 1 ? "the key" : "part of the key";
    return {
      problems: [problem(`${model.apiName}.${field.apiName} cannot be empty: it is ${what}.`, field.apiName)],
    };
  }
  const key = parseRecordKey(alone, text);
  return "value" in key ? key : { problems: key.problems.map((each) => ({ ...each, field: field.apiName })) };
}

function splitComposite(id: string): readonly string[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(id, "base64url").toString("utf8"));
    return Array.isArray(parts) && parts.every((part) => typeof part === "string") ? parts : undefined;
  } catch {
    return undefined;
  }
}

function parsePart(field: ColumnField, text: string): KeyValue | undefined {
  return text === "" || !isStorableText(text) ? undefined : parseKeyText(field, text);
}

function malformed(model: Model, id: string): RecordProblem {
  const shown = id.length > 60 ? `${id.slice(0, 57)}...` : id;
  return problem(`"${shown}" is not an id of ${model.apiName}: expected ${describeKey(model)}.`, "id");
}

function orThrow<T>(parsed: Parsed<T>): T {
  if ("value" in parsed) {
    return parsed.value;
  }
  const [first] = parsed.problems;
  throw new AppError("VALIDATION_FAILED", first?.message ?? "", { details: { field: first?.field } });
}

/** What an id of the model must be, for messages. */
export function describeKey(model: Model): string {
  const types = model.key.map((field) => `${field.apiName} ${describeKeyText(field)}`);
  return model.key.length === 1 ? `the text of ${types.join("")}` : `the opaque id of (${types.join(", ")})`;
}
