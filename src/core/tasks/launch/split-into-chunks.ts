import type { RecordBatch } from "../record-batch.ts";
import { sliceBatch } from "../record-batch.ts";

/** A task has at least so many chunks where it can, so that its progress is seen to move. */
const MIN_CHUNK_COUNT = 20;
/** Below this a chunk costs more in round trips than its progress is worth. */
const MIN_CHUNK_RECORDS = 50;

/**
 * Cuts a task's records into chunks, in order: as large as allowed for large tasks, where a statement per chunk counts,
 * and smaller for small ones, where somebody watches. The records of a chunk are all of one batch.
 * @param isKeptTogether as large as allowed for small tasks, too
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
