import type { Model } from "../../core/records/model.ts";
import { columnsOf } from "../../core/records/model.ts";
import { tieBreakers } from "../../core/filters/order-terms.ts";

/**
 * The columns that are always loaded: ids, cursors and links need the key, and records without one are told apart by the
 * columns that order them.
 */
export function baseSelect(model: Model): Record<string, true> {
  const { columns } = tieBreakers(model);
  const loaded = columns.length > 0 ? columns : columnsOf(model).slice(0, 1);
  return Object.fromEntries(loaded.map((field) => [field.name, true]));
}
