import type { RecordBatch } from "../tasks/record-batch.ts";
import { formatRowField } from "./row-field.ts";

const INDEX = formatRowField({ kind: "INDEX" });

/** Tells of each record of a batch its place in the caller's list, where it is known. */
export function batchIndexes({ ids, fields, columns }: RecordBatch): (id: string) => { index?: number } {
  const indexes = columns[fields.indexOf(INDEX)];
  if (indexes === undefined) {
    return () => ({});
  }
  const byId = new Map(ids.map((id, at) => [id, Number(indexes[at])]));
  return (id) => {
    const index = byId.get(id);
    return index === undefined ? {} : { index };
  };
}

/** The same over several batches; they are looked through only once somebody asks. */
export function placesInList(batches: readonly RecordBatch[]): (id: string) => { index?: number } {
  let places: ReadonlyMap<string, { index?: number }> | undefined;
  return (id) => {
    places ??= new Map(
      batches.flatMap((batch) => {
        const indexOf = batchIndexes(batch);
        return batch.ids.map((each) => [each, indexOf(each)] as const);
      }),
    );
    return places.get(id) ?? {};
  };
}
