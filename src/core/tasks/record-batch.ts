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

/** The least number of chunks, so that viewers see the progress move. Small tasks have fewer. */
const MIN_CHUNK_COUNT = 20;
/** Smaller chunks would cost more in round trips than their progress is worth. */
const MIN_CHUNK_RECORDS = 50;

/**
 * Cuts a task's records into chunks, in order. Large tasks have chunks as large as allowed, since each chunk costs a
 * statement. Small tasks have smaller chunks, so that viewers see progress. All records of a chunk come from one
 * batch.
 * @param isKeptTogether chunks as large as allowed for small tasks, too
 */
export function splitIntoChunks(
  batches: readonly RecordBatch[],
  maxChunkRecords: number,
  isKeptTogether = false,
): readonly RecordBatch[] {
  const total = batches.reduce((sum, { ids }) => sum + ids.length, 0);
  const wanted = Math.max(MIN_CHUNK_RECORDS, Math.ceil(total / MIN_CHUNK_COUNT));
  const size = Math.max(1, isKeptTogether ? maxChunkRecords : Math.min(maxChunkRecords, wanted));
  return batches.flatMap((batch) =>
    Array.from({ length: Math.ceil(batch.ids.length / size) }, (_, at) =>
      sliceBatch(batch, at * size, (at + 1) * size),
    ),
  );
}
