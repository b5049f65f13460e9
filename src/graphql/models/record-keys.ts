import type { WhereFilter } from "../../core/access/access.ts";
import type { Model } from "../../core/records/model.ts";
import { recordKeyOf } from "../../core/records/record-key.ts";
import type { Json } from "../../kernel/json.ts";
import { toJsonValue } from "../../kernel/json.ts";

/** The key's columns, which are always loaded: ids, cursors and links need them. */
export function keySelect(model: Model): Record<string, true> {
  return Object.fromEntries(model.key.map((field) => [field.name, true]));
}

/** The records with these ids. @throws AppError VALIDATION_FAILED if one is not an id of the model */
export function keysFilter(model: Model, ids: readonly string[]): WhereFilter {
  const keys = ids.map((id) => recordKeyOf(model, id));
  const [only] = model.key;
  if (model.key.length === 1 && only !== undefined) {
    return { [only.name]: { in: keys.map((key) => toJsonValue(key[only.name])) } };
  }
  return {
    OR: keys.map((key) =>
      Object.fromEntries(
        Object.entries(key).map(([name, value]): [string, Json] => [name, { equals: toJsonValue(value) }]),
      ),
    ),
  };
}
