import type { RecordBatch } from "../record-batch.ts";
import { sliceBatch } from "../record-batch.ts";

/** The least number of chunks, so that viewers see the progress move. Small tasks have fewer. */
const MIN_CHUNK_COUNT = 20;
/** Smaller chunks would cost more in round trips than their progress is worth. */
const MIN_CHUNK_RECORDS = 50;

/**
 * Cuts a task's records into chunks, in order. Large tasks have chunks as large as allowed, for each costs a statement;
 * small ones have smaller chunks, for viewers watch them. All records of a chunk come from one batch.
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
