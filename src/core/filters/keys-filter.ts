import type { Json } from "../../kernel/json.ts";
import { toJsonValue } from "../../kernel/json.ts";
import type { WhereFilter } from "../access/access.ts";
import type { Model } from "../records/model.ts";
import { recordKeyOf } from "../records/record-key.ts";
import { filterKey } from "./operators.ts";

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
