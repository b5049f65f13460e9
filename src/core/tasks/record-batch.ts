/** Records of a task with the values to write to each. All records of a batch have the same fields. */
export interface RecordBatch {
  readonly ids: readonly string[];
  /** The meaning of each column, as the task's kind defines it; empty where all records get the same change. */
  readonly fields: readonly string[];
  /** One column per field: a text or null for each record, in the order of the ids. */
  readonly columns: readonly (readonly (string | null)[])[];
}

/** A batch without columns: all records get the same change. */
export function plainBatch(ids: readonly string[]): RecordBatch {
  return { ids, fields: [], columns: [] };
}

/** The records from one index up to another, without the latter. */
export function sliceBatch({ ids, fields, columns }: RecordBatch, from: number, to: number): RecordBatch {
  return { ids: ids.slice(from, to), fields, columns: columns.map((column) => column.slice(from, to)) };
}

/** The records for which `isKept` is true. */
export function filterBatch(
  { ids, fields, columns }: RecordBatch,
  isKept: (id: string) => boolean,
): RecordBatch {
  const kept = ids.map(isKept);
  return {
    ids: ids.filter((_id, at) => kept[at]),
    fields,
    columns: columns.map((column) => column.filter((_text, at) => kept[at])),
  };
}

/** Merges batches with the same fields, in the order of first appearance. Empty ones are left out. */
export function mergeBatches(batches: readonly RecordBatch[]): readonly RecordBatch[] {
  const groups = new Map<string, RecordBatch[]>();
  for (const batch of batches.filter(({ ids }) => ids.length > 0)) {
    const shape = batch.fields.join("\n");
    groups.set(shape, groups.get(shape) ?? []);
    groups.get(shape)?.push(batch);
  }
  return [...groups.values()].map((group) => ({
    ids: group.flatMap(({ ids }) => ids),
    fields: group[0]?.fields ?? [],
    columns: (group[0]?.columns ?? []).map((_column, at) =>
      group.flatMap(({ columns }) => columns[at] ?? []),
    ),
  }));
}
