import { parseMoment } from "../../kernel/date-time-text.ts";
import type { Json, JsonObject } from "../../kernel/json.ts";
import { oncePer } from "../../kernel/once-per.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import { fromColumnText, toColumnText } from "./column-text.ts";
import { describeMisfit } from "./column-value.ts";
import { isFilterable } from "./field-switches.ts";
import { describeKeyText, formatKeyText, parseKeyText } from "./key-text.ts";
import { plainName } from "./api-name.ts";
import type { ColumnField, EnumType, Model, UniqueKey } from "./model.ts";
import { keyInData, formatRecordKey, parseRecordId } from "./record-key.ts";
import { isNativeKeyType } from "./serve-model.ts";

/**
 * The values of a key, under the key's name; exactly one member: `{id: "7"}`, `{email: "a@b"}`,
 * `{teamId_slug: {teamId: 1, slug: "x"}}`. In plain JSON, like the values of a record. The names of the key and of its
 * fields are the API's, also in code: `id` is the record's id, and a column called so may be another key, `id_`.
 */
export type KeyArgument = JsonObject;

/** How a caller names one record: by its id or by one of its keys. Exactly one of the two. */
export interface RecordName {
  readonly id?: string | undefined;
  readonly key?: KeyArgument | undefined;
}

/** A record's name once it is parsed. */
export type ParsedName = { readonly kind: "ID"; readonly id: string } | NameByKey;

/** The name of a record by a unique key. The database knows whether there is such a record, and its id. */
export interface NameByKey {
  readonly kind: "KEY";
  readonly unique: UniqueKey;
  /** The key's values by field name, in plain JSON. */
  readonly values: JsonObject;
  /** The same as texts that the database reads (see column-text), in the order of the key's fields. */
  readonly texts: readonly string[];
  /** The name as one text, for locks and errors while the record has no id: `{"email":"a@b"}`. */
  readonly text: string;
}

/** Types whose values the database does not compare exactly as the API writes them. */
const UNFIT_TYPES: ReadonlySet<string> = new Set(["Json", "Float"]);

/**
 * The keys by which records of the model can be named, besides `id`: its unique keys, and the primary key where it has
 * several fields, since the id of such a record is opaque.
 */
export const namingKeys: (model: Model) => readonly UniqueKey[] = oncePer(findNamingKeys);

function findNamingKeys(model: Model): readonly UniqueKey[] {
  const whole = { name: model.key.map(({ name }) => name).join("_"), fields: model.key };
  const fit = model.uniques.filter(({ fields }) =>
    fields.every((field) => isFilterable(field) && isExact(field)),
  );
  const all = model.key.length > 1 && !fit.some((key) => isOwnKey(model, key)) ? [whole, ...fit] : fit;
  const byName = new Map(all.toReversed().map((key) => [apiNameOfKey(key), key]));
  return all.filter((key) => apiNameOfKey(key) !== "id" && byName.get(apiNameOfKey(key)) === key);
}

/** Whether a value that the API shows, or that a caller gives, is the very value that the column holds. */
function isExact(field: ColumnField): boolean {
  return (
    !field.isList && !UNFIT_TYPES.has(field.type) && (field.type !== "DateTime" || isNativeKeyType(field))
  );
}

/** The name of a key in the API, after its field or fields: `email`, `teamId_slug`. */
export function apiNameOfKey({ name, fields }: UniqueKey): string {
  const isUsual = name === fields.map((field) => field.name).join("_");
  return isUsual ? fields.map(({ apiName }) => apiName).join("_") : plainName(name);
}

/** Whether the records' ids are made of the key's fields. */
function isOwnKey({ key }: Model, { fields }: UniqueKey): boolean {
  return key.map(({ name }) => name).join() === fields.map(({ name }) => name).join();
}

/** The problem of a name is at `id`, `key`, or a part of the key such as `key.teamId_slug.slug`. */
export function parseRecordName(
  model: Model,
  enums: readonly EnumType[],
  { id, key }: RecordName,
): Parsed<ParsedName> {
  const isById = id !== undefined;
  if (isById === (key !== undefined)) {
    const what = isById ? "not both" : "to say which record is meant";
    return { problems: [problem(`Give either id or key, ${what}.`, isById ? "key" : "id")] };
  }
  return key === undefined ? parseId(model, String(id), "id") : parseKey(model, enums, key);
}

function parseId(model: Model, id: string, path: string): Parsed<ParsedName> {
  const parsed = parseRecordId(model, id);
  return "value" in parsed
    ? { value: { kind: "ID", id: parsed.value } }
    : { problems: parsed.problems.map((each) => ({ ...each, field: path })) };
}

function parseKey(model: Model, enums: readonly EnumType[], key: KeyArgument): Parsed<ParsedName> {
  const members = Object.entries(key).filter(([, value]) => value !== undefined);
  const [first] = members;
  const known = ["id", ...namingKeys(model).map(apiNameOfKey)];
  if (first === undefined || members.length > 1) {
    return { problems: [problem(`Give exactly one of ${known.join(", ")}.`, "key")] };
  }
  const [name, value] = first;
  const path = `key.${name}`;
  if (name === "id") {
    return typeof value === "string" ? parseId(model, value, path) : { problems: [nameless(path)] };
  }
  const unique = namingKeys(model).find((each) => apiNameOfKey(each) === name);
  if (unique === undefined) {
    return { problems: [problem(`${model.apiName} has no key ${name}. It has ${known.join(", ")}.`, path)] };
  }
  const parts = partsOf(unique, value, path);
  const problems = parts.flatMap((part) => partProblem(model, enums, part) ?? []);
  if (problems.length > 0) {
    return { problems };
  }
  const values = Object.fromEntries(
    parts.map(({ field, value: part }) => [field.name, canonical(field, part)]),
  );
  return isOwnKey(model, unique) ? idOfKey(model, values, path) : { value: nameByKey(unique, values) };
}

/** The values of a key by field name, and its name, as one text. */
function nameByKey(unique: UniqueKey, values: JsonObject): NameByKey {
  const { fields } = unique;
  const [only] = fields;
  const texts = fields.map((field) => toColumnText(field, values[field.name] ?? null) ?? "");
  const named = Object.fromEntries(fields.map(({ name, apiName }) => [apiName, values[name] ?? null]));
  const argument = fields.length === 1 && only !== undefined ? values[only.name] : named;
  return { kind: "KEY", unique, values, texts, text: JSON.stringify({ [apiNameOfKey(unique)]: argument }) };
}

/** The name in words, after the model's: `7`, `with email "a@b"`. */
export function describeName(name: ParsedName): string {
  if (name.kind === "ID") {
    return name.id;
  }
  const parts = name.unique.fields.map(
    (field) => `${field.apiName} ${JSON.stringify(name.values[field.name])}`,
  );
  return `with ${parts.join(" and ")}`;
}

/** The record's name as one text: its id, or see {@link NameByKey.text}. */
export function textOfName(name: ParsedName): string {
  return name.kind === "ID" ? name.id : name.text;
}

/** Whether the text is a {@link NameByKey.text}. */
export function isKeyText(model: Model, text: string): boolean {
  return (
    text.startsWith('{"') &&
    text.endsWith("}") &&
    namingKeys(model).some((key) => text.startsWith(`{${JSON.stringify(apiNameOfKey(key))}:`))
  );
}

/**
 * Names of the key's fields whose values in the data differ from the name. Fields that the data leaves out do not differ.
 * @param data in plain JSON
 */
export function differingFields(name: NameByKey, data: Readonly<Record<string, unknown>>): readonly string[] {
  return name.unique.fields
    .filter((field) => {
      const value = data[field.name];
      return (
        value !== undefined && comparable(field, value as Json) !== comparable(field, name.values[field.name])
      );
    })
    .map((field) => field.name);
}

/** One field of a key, with the value that the caller gave and its path. */
interface KeyPart {
  readonly field: ColumnField;
  readonly value: Json | undefined;
  readonly path: string;
}

function partsOf({ fields }: UniqueKey, value: Json | undefined, path: string): readonly KeyPart[] {
  const [only] = fields;
  if (fields.length === 1 && only !== undefined) {
    return [{ field: only, value, path }];
  }
  const members =
    typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
  return fields.map((field) => ({
    field,
    value: members[field.apiName],
    path: `${path}.${field.apiName}`,
  }));
}

function partProblem(
  model: Model,
  enums: readonly EnumType[],
  { field, value, path }: KeyPart,
): RecordProblem | undefined {
  if (value === undefined || value === null) {
    return nameless(path);
  }
  const misfit = describeMisfit(field, enums, value);
  if (misfit !== undefined) {
    return problem(`${model.apiName}.${field.apiName}: ${misfit}`, path);
  }
  return parseKeyText(field, textOf(field, value)) === undefined
    ? problem(
        `${model.apiName}.${field.apiName}: ${JSON.stringify(value)} is not ${describeKeyText(field)}.`,
        path,
      )
    : undefined;
}

function nameless(path: string): RecordProblem {
  return problem("Give a value: a null names no record.", path);
}

/** The value in the one form that equal values have, as far as that is known without asking the database. */
function canonical(field: ColumnField, value: Json | undefined): Json {
  const parsed = parseKeyText(field, textOf(field, value));
  return field.kind === "enum" || parsed === undefined
    ? (value ?? null)
    : fromColumnText(field, formatKeyText(field, parsed));
}

function textOf(field: ColumnField, value: Json | undefined): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const moment = field.type === "DateTime" ? parseMoment(text) : undefined;
  return moment?.toISOString() ?? text;
}

/** A text that equal values share. The type citext ignores case. */
function comparable(field: ColumnField, value: Json | undefined): string {
  const text = JSON.stringify(value === null || value === undefined ? null : canonical(field, value));
  return field.nativeType === "citext" ? text.toLowerCase() : text;
}

/** The id of a record that is named by all parts of its primary key. */
function idOfKey(model: Model, values: JsonObject, path: string): Parsed<ParsedName> {
  const key = keyInData(model, values);
  return "value" in key
    ? { value: { kind: "ID", id: formatRecordKey(model, key.value) } }
    : { problems: key.problems.map((each) => ({ ...each, field: `${path}.${each.field}` })) };
}
