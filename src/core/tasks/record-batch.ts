/** Records of a task, with what is to be written to each: all of a batch name the same fields. */
export interface RecordBatch {
  readonly ids: readonly string[];
  /** What the columns are for, in the words of the task's kind; empty where nothing differs from record to record. */
  readonly fields: readonly string[];
  /** One column for each field: a text, or null, for each record, in the order of the ids. */
  readonly columns: readonly (readonly (string | null)[])[];
}

/** Records to all of which the same is done. */
export function plainBatch(ids: readonly string[]): RecordBatch {
  return { ids, fields: [], columns: [] };
}

/** A part of a batch, from one place up to, but not with, another. */
export function sliceBatch({ ids, fields, columns }: RecordBatch, from: number, to: number): RecordBatch {
  return { ids: ids.slice(from, to), fields, columns: columns.map((column) => column.slice(from, to)) };
}

/** Only the records of which it is true. */
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

/** Batches of the same fields as one, in the order in which each kind comes first; empty ones are left out. */
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
