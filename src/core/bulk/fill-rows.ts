import type { Model } from "../records/model.ts";
import { columnsOf, refersToItself } from "../records/model.ts";
import type { RowsTarget } from "./check-rows.ts";

/**
 * New records of a model that refers to itself, all with the same fields where that can be: what one leaves out and
 * another names is null, if null is what leaving it out means. So a record and the one that it refers to are written
 * together, in the order of the list, and not by two statements of which the wrong one may come first.
 */
export function fillRows(model: Model, target: RowsTarget): RowsTarget {
  if (target.operation !== "CREATE" || !refersToItself(model)) {
    return target;
  }
  const named = new Set(target.records.flatMap((record) => Object.keys(record)));
  const filled = columnsOf(model).filter(
    ({ name, isNullable, hasDefault }) => named.has(name) && isNullable && !hasDefault,
  );
  const nulls = Object.fromEntries(filled.map(({ name }) => [name, null]));
  return { ...target, records: target.records.map((record) => ({ ...nulls, ...record })) };
}
