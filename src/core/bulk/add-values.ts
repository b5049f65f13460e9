import type { Model } from "../records/model.ts";
import { addedText } from "../records/record-hooks.ts";
import type { AppRecord, HookRecord } from "../records/write-hooks.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import { filterBatch } from "../tasks/record-batch.ts";
import { formatRowField } from "./row-field.ts";

/** Values that the app's hooks add to new records, by id. */
export type AddedValues = ReadonlyMap<string, AppRecord>;

/** Adds the values to a batch. Records that get the same fields make one batch, which one statement can write. */
export function addToBatch(model: Model, batch: RecordBatch, values: AddedValues): readonly RecordBatch[] {
  const shapes = new Map<string, Set<string>>();
  for (const id of batch.ids) {
    const shape = JSON.stringify(namesIn(values.get(id)));
    shapes.set(shape, (shapes.get(shape) ?? new Set()).add(id));
  }
  return [...shapes].map(([shape, ids]) => {
    const part = shapes.size === 1 ? batch : filterBatch(batch, (id) => ids.has(id));
    return (JSON.parse(shape) as readonly string[]).reduce(
      (filled, name) => withColumn(model, filled, name, values),
      part,
    );
  });
}

/** The records as hooks see them, with the added values in their changes. */
export function addToRecords(records: readonly HookRecord[], values: AddedValues): readonly HookRecord[] {
  return records.map((record) => {
    const added = values.get(record.id);
    const sets = namesIn(added).map((name) => [name, { set: added?.[name] }] as const);
    return sets.length === 0
      ? record
      : { ...record, change: { ...record.change, ...Object.fromEntries(sets) } };
  });
}

function withColumn(model: Model, batch: RecordBatch, name: string, values: AddedValues): RecordBatch {
  const texts = batch.ids.map((id) => addedText(model, name, values.get(id)?.[name]));
  const field = formatRowField({ kind: "VALUE", part: "create", field: name });
  const at = batch.fields.indexOf(field);
  return at === -1
    ? { ...batch, fields: [...batch.fields, field], columns: [...batch.columns, texts] }
    : { ...batch, columns: batch.columns.with(at, texts) };
}

/** Sorted, so that records with the same fields have the same shape. What is undefined is left out. */
function namesIn(values: AppRecord = {}): readonly string[] {
  return Object.keys(values)
    .filter((name) => values[name] !== undefined)
    .toSorted();
}
