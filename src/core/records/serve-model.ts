import type { ColumnField, EnumType, Field, Model } from "./model.ts";
import { columnsOf } from "./model.ts";
import { isReadable } from "./field-switches.ts";
import { columnsOutOfReach, isCreatable } from "./writable-fields.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";

/**
 * The model as the API serves it: with ids of the first of its unique keys that can be one, with field names that leave
 * `id` to those ids, and with the reasons for what the API leaves out. Called with the columns' types as the Prisma
 * schema has them, and again with those of the database.
 */
export function serveModel(model: Model, enums: readonly EnumType[]): Model {
  const choice = chooseKey(model);
  const keyNames = "key" in choice ? choice.key.map(({ name }) => name) : [];
  const apiNames = apiNamesOf(model, keyNames);
  const serve = <F extends Field>(field: F): F => ({
    ...field,
    ...(field.kind === "relation" ? {} : { isKey: keyNames.includes(field.name) }),
    apiName: (field.apiName === "id" ? apiNames.get(field.name) : undefined) ?? field.apiName,
  });
  const withValues = (field: ColumnField): ColumnField => {
    const values = enums.find(({ name }) => field.kind === "enum" && name === field.type)?.values;
    return field.kind === "enum" && values !== undefined ? { ...field, values } : field;
  };
  const fields = model.fields.map(serve);
  const columns = new Map(columnsOf({ ...model, fields }).map((field) => [field.name, field]));
  const listed = (names: readonly string[]): readonly ColumnField[] =>
    names.flatMap((name) => columns.get(name) ?? []);
  return {
    ...model,
    key: listed(keyNames).map(withValues),
    uniques: model.uniques.map((unique) => ({
      ...unique,
      fields: listed(unique.fields.map(({ name }) => name)),
    })),
    fields,
    readOnlyReason: "key" in choice ? undefined : choice.reason,
    noCreateReason: "key" in choice ? createFault(model) : undefined,
  };
}

/** The key whose values are the records' ids, or why the records have none. */
type KeyChoice = { readonly key: readonly ColumnField[] } | { readonly reason: string };

/** The primary key before the others, these in the schema's order. */
function chooseKey(model: Model): KeyChoice {
  if (model.isView) {
    return { reason: "it is a view" };
  }
  let reason: string | undefined;
  for (const names of uniqueKeysOf(model)) {
    const key = columnsOf(model).filter(({ name }) => names.includes(name));
    const fault =
      key.length < names.length ? "its key has a column that Prisma's client cannot read" : faultOf(key);
    if (fault === undefined) {
      return { key: names.flatMap((name) => key.find((field) => field.name === name) ?? []) };
    }
    reason ??= fault;
  }
  return { reason: reason ?? "it has no key" };
}

/** The names of the fields of each unique key whose columns are never null. */
function uniqueKeysOf(model: Model): readonly (readonly string[])[] {
  const nullable = new Set(columnsOf(model).flatMap(({ name, isNullable }) => (isNullable ? [name] : [])));
  const all = [model.primaryKey, ...model.uniques.map(({ fields }) => fields.map(({ name }) => name))];
  return all.filter((names) => names.length > 0 && !names.some((name) => nullable.has(name)));
}

/** Scalar types that can be a key: they can be sorted, and turned into an id. */
const KEY_TYPES = new Set(["String", "Int", "BigInt", "Boolean", "DateTime"]);

/**
 * The types that a key may have in the database: each value has one text, or can be brought to one (see key-text), and
 * Prisma's client reads and writes it without loss. A record with two ids would have two locks.
 */
const NATIVE_KEY_TYPES =
  /^(?:text|character(?: varying)?(?:\(\d+\))?|uuid|smallint|integer|bigint|oid|boolean|date|time\(3\) without time zone|timestamp\(3\) with(?:out)? time zone)$/;

function faultOf(key: readonly ColumnField[]): string | undefined {
  if (!key.every(isReadable)) {
    return "its key has a hidden column, which ids would show";
  }
  for (const field of key) {
    const fault = columnFault(field);
    if (fault !== undefined) {
      return `its key ${field.name} ${fault}`;
    }
  }
  return undefined;
}

function columnFault(field: ColumnField): string | undefined {
  if (field.isList) {
    return "is a list";
  }
  if (field.isUpdatedAt) {
    return "is @updatedAt, so it changes with every write";
  }
  if (field.kind === "enum") {
    return field.labels === undefined
      ? undefined
      : `is of the enum ${field.type}, whose values have other names in the database (@map), so a record would have two ids`;
  }
  if (!KEY_TYPES.has(field.type)) {
    return `is of the type ${field.type}, which has no ids`;
  }
  const { nativeType = "" } = field;
  return isNativeKeyType(field) ? undefined : `is of the type ${nativeType}, ${nativeFault(nativeType)}`;
}

/**
 * Whether the column's type in the database is one of those that a key may have. Where the Prisma schema names none and
 * the database was not asked yet, it is Prisma's usual one, which is.
 */
export function isNativeKeyType({ nativeType }: ColumnField): boolean {
  return nativeType === undefined || NATIVE_KEY_TYPES.test(nativeType);
}

function nativeFault(nativeType: string): string {
  if (!nativeType.startsWith("time")) {
    return "which has several spellings of one value, so a record would have several ids (text has one)";
  }
  const [name = ""] = /^[a-z]+/.exec(nativeType) ?? [];
  const isZoned = name === "timestamp" && nativeType.endsWith("with time zone");
  return `which is not as precise as ids, which have milliseconds (${isZoned ? "timestamptz" : name}(3) is)`;
}

function createFault(model: Model): string | undefined {
  const { unwritable } = model;
  if (unwritable.length > 0) {
    return `${unwritable.join(" and ")} must have a value, which Prisma's client cannot write`;
  }
  // Callers are told, so hidden fields are not named.
  return isCreatable(model) ? undefined : "they need values that callers cannot set";
}

/** The reason for the operator, who may read the names of hidden fields. */
function explainNoCreate(model: Model): string | undefined {
  const names = columnsOutOfReach(model).map(({ name }) => name);
  return model.noCreateReason === undefined || model.unwritable.length > 0 || names.length === 0
    ? model.noCreateReason
    : `callers cannot set ${names.join(" and ")}; hooks.beforeCreate or a default can`;
}

/** The names of fields that are not the API's own names for them: `id` is the record's id in the API. */
function apiNamesOf(model: Model, keyNames: readonly string[]): ReadonlyMap<string, string> {
  const isId = keyNames.length === 1 && keyNames[0] === "id";
  return isId ? new Map() : new Map([["id", freeName(model, "id_")]]);
}

function freeName({ fields }: Model, name: string): string {
  return fields.some((field) => field.name === name) ? freeName({ fields } as Model, `${name}_`) : name;
}

/** Why an operation cannot be done to records of the model; empty where it can. */
export function operationProblems(model: Model, operation: string): readonly RecordProblem[] {
  const { apiName: name, readOnlyReason, noCreateReason } = model;
  if (readOnlyReason !== undefined) {
    return [problem(`Records of ${name} cannot be written: ${readOnlyReason}.`)];
  }
  return noCreateReason !== undefined && (operation === "CREATE" || operation === "UPSERT")
    ? [problem(`Records of ${name} cannot be created: ${noCreateReason}.`)]
    : [];
}

/** What the API does not do with some of the models, or does in another way: a line for each of these. */
export function describeServing(models: readonly Model[]): readonly string[] {
  const lines: string[] = [];
  const list = (what: string, tellOf: (model: Model) => string | undefined): void => {
    const told = models.flatMap((model) => {
      const words = tellOf(model);
      return words === undefined ? [] : [`${model.name} (${words})`];
    });
    if (told.length > 0) {
      lines.push(`${what}: ${told.join(", ")}.`);
    }
  };
  list("Ids are made of a unique key instead of @id", (model) => {
    const names = model.key.map(({ name }) => name);
    return names.length === 0 || names.join() === model.primaryKey.join() ? undefined : names.join(", ");
  });
  list("Read-only lists, without ids, mutations and locks", ({ readOnlyReason }) => readOnlyReason);
  list("No create and no upsert", explainNoCreate);
  list("The column id has another name, since id is the record's id", ({ fields }) => {
    const field = fields.find(({ name }) => name === "id");
    return field === undefined || field.apiName === "id" ? undefined : field.apiName;
  });
  return lines;
}
