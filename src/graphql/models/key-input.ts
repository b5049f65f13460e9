import type { ArgBuilder, ArgumentRef } from "@pothos/core";
import type { Model, ModelRegistry, UniqueKey } from "../../core/records/model.ts";
import type { ParsedName, RecordName } from "../../core/records/record-name.ts";
import { apiNameOfKey, namingKeys, parseRecordName } from "../../core/records/record-name.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { toJsonValue } from "../../kernel/json.ts";
import type { BuilderTypes } from "../builder.ts";
import { idsOf } from "../record-ids.ts";
import type { ModelSchema } from "./model-schema.ts";
import { columnType } from "./model-schema.ts";
import type { AnyInputRef, InputBuilder, InputFields } from "./pothos-dynamic.ts";

/** `CityKey`: the id, or one of the keys by which a record can be named. */
function keyInput(schema: ModelSchema, model: Model): AnyInputRef {
  return schema.input(schema.names.of(model).key, {
    description: `Names one record of ${model.apiName}: by its id or by a unique key.`,
    isOneOf: true,
    fields: (t) => ({
      id: t.id(idsOf(model.name)),
      ...Object.fromEntries(
        namingKeys(model).map((unique) => [
          apiNameOfKey(unique),
          t.field({ type: keyType(schema, model, unique) }),
        ]),
      ),
    }),
  });
}

/** The type of a key's value; for a key of several fields an input such as `UserTeamIdSlugKey`. */
function keyType(
  schema: ModelSchema,
  model: Model,
  unique: UniqueKey,
): Parameters<InputBuilder["field"]>[0]["type"] {
  const [only] = unique.fields;
  if (unique.fields.length === 1 && only !== undefined) {
    return columnType(schema, only);
  }
  return schema.input(schema.names.of(model).compoundKeys[unique.name] ?? unique.name, {
    description: `The values of a key of ${model.apiName}, all of them.`,
    fields: (t): InputFields =>
      Object.fromEntries(
        unique.fields.map((field) => [
          field.apiName,
          t.field({ type: columnType(schema, field), required: true }),
        ]),
      ),
  });
}

/** The arguments `id` and `key`, of which the caller gives one. */
export function nameArguments(
  schema: ModelSchema,
  model: Model,
  arg: ArgBuilder<BuilderTypes>,
): {
  readonly id: ArgumentRef<BuilderTypes, string | null | undefined>;
  readonly key: ArgumentRef<BuilderTypes, object | null | undefined>;
} {
  return {
    id: arg.id({ ...idsOf(model.name), description: "The record's id. Give either `id` or `key`." }),
    key: arg({
      type: keyInput(schema, model),
      description: "The record's id, or one of its unique keys.",
    }) as ArgumentRef<BuilderTypes, object | null | undefined>,
  };
}

/** The fields `id` and `key` of a record in a list. */
export function nameFields(schema: ModelSchema, model: Model, t: InputBuilder): InputFields {
  return {
    id: t.id({ ...idsOf(model.name), description: "Give either `id` or `key`." }),
    key: t.field({ type: keyInput(schema, model) }),
  };
}

/** How the caller names a record, in plain JSON. That exactly one of the two is given is checked later. */
export function toRecordName({
  id,
  key,
}: {
  readonly id?: string | null | undefined;
  readonly key?: object | null | undefined;
}): RecordName {
  return {
    ...(id === null || id === undefined ? {} : { id }),
    ...(key === null || key === undefined ? {} : { key: toKeyArgument(key) }),
  };
}

function toKeyArgument(key: object): JsonObject {
  const members = Object.entries(key).map(([name, value]) => {
    const json = toJsonValue(value);
    const isCompound = typeof json === "object" && json !== null && !Array.isArray(json);
    return [name, isCompound ? toKeyArgument(json) : json] as const;
  });
  return Object.fromEntries(members);
}

/** The name in an argument of a query. @throws AppError VALIDATION_FAILED for a name that is malformed */
export function parseNameArgument(models: ModelRegistry, model: Model, given: RecordName): ParsedName {
  const name = parseRecordName(model, models.enums(), given);
  if ("value" in name) {
    return name.value;
  }
  const [first] = name.problems;
  throw new AppError("VALIDATION_FAILED", first?.message ?? "", { details: { field: first?.field } });
}
