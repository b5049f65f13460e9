import type { WhereFilter } from "../../core/access/access.ts";
import { filterKey } from "../../core/filters/operators.ts";
import type { Model } from "../../core/records/model.ts";
import { columnsOf } from "../../core/records/model.ts";
import { recordKeyOf } from "../../core/records/record-key.ts";
import type { Json } from "../../kernel/json.ts";
import { toJsonValue } from "../../kernel/json.ts";
import { tieBreakers } from "../pagination/order-terms.ts";

/**
 * The columns that are always loaded: ids, cursors and links need the key, and records without one are told apart by the
 * columns that order them.
 */
export function baseSelect(model: Model): Record<string, true> {
  const { columns } = tieBreakers(model);
  const loaded = columns.length > 0 ? columns : columnsOf(model).slice(0, 1);
  return Object.fromEntries(loaded.map((field) => [field.name, true]));
}

/** The records with these ids. @throws AppError VALIDATION_FAILED if one is not an id of the model */
export function keysFilter(model: Model, ids: readonly string[]): WhereFilter {
  const keys = ids.map((id) => recordKeyOf(model, id));
  const [only] = model.key;
  if (model.key.length === 1 && only !== undefined) {
    return { [filterKey(only)]: { in: keys.map((key) => toJsonValue(key[only.name])) } };
  }
  return {
    OR: keys.map((key) =>
      Object.fromEntries(
        model.key.map((field): [string, Json] => [
          filterKey(field),
          { equals: toJsonValue(key[field.name]) },
        ]),
      ),
    ),
  };
}
