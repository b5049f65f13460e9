/** What one pass did, as task ids. */
export interface SweepSummary {
  /** Pending, and given to the queue (again). */
  readonly enqueued: readonly string[];
  /** Their worker was dead; a next attempt is in the queue. */
  readonly rescued: readonly string[];
  /** Their worker was dead, and they were to be cancelled anyway. */
  readonly cancelled: readonly string[];
  /** Waiting for nobody any more, and given to the queue. */
  readonly promoted: readonly string[];
  /** Settled, but not cleaned. */
  readonly cleaned: readonly string[];
  /** Owners of orphaned locks: tasks that are settled or do not exist. */
  readonly released: readonly string[];
  /** Settled longer ago than tasks are kept, and deleted. */
  readonly pruned: readonly string[];
}

/** A task that a pass left alone. */
export interface SweptAround {
  readonly taskId: string;
  readonly reason: string;
}

/** How many tasks a pass dealt with. */
export function countSwept(summary: SweepSummary): number {
  return Object.values(summary as unknown as Record<string, readonly string[]>).reduce(
    (sum, ids) => sum + ids.length,
    0,
  );
}
