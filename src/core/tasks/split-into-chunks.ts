/** A task has at least so many chunks where it can, so that its progress is seen to move. */
const MIN_CHUNK_COUNT = 20;
/** Below this a chunk costs more in round trips than its progress is worth. */
const MIN_CHUNK_RECORDS = 50;

/**
 * Cuts a task's ids into chunks, in order: as large as allowed for large tasks, where a statement per chunk counts,
 * and smaller for small ones, where somebody watches.
 */
export function splitIntoChunks(
  ids: readonly string[],
  maxChunkRecords: number,
): readonly (readonly string[])[] {
  const wanted = Math.max(MIN_CHUNK_RECORDS, Math.ceil(ids.length / MIN_CHUNK_COUNT));
  const size = Math.max(1, Math.min(maxChunkRecords, wanted));
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, at) =>
    ids.slice(at * size, (at + 1) * size),
  );
}
