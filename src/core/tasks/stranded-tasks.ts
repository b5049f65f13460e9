/** A task for the sweeper. */
export interface StrandedTask {
  readonly id: string;
  /** Number of its latest attempt. */
  readonly attempt: number;
  /** When it is due, in ms since 1970, if it was postponed. */
  readonly postponedUntil?: number;
}

/** The sweeper's view of the tasks: what a crash left behind, and what is old. */
export interface StrandedTasks {
  /** PENDING and not given to the queue, though created, and due, before the moment. Oldest first. */
  findUnenqueued(createdBefore: Date, limit: number): Promise<readonly StrandedTask[]>;
  /**
   * PENDING and due, given to the queue before the moment and not begun since: it waits its turn, or its delivery was lost.
   * Longest ago first.
   */
  findUnbegun(enqueuedBefore: Date, limit: number): Promise<readonly StrandedTask[]>;
  /** RUNNING, but its lease was last renewed before the moment. Oldest first. */
  findOrphans(silentSince: Date, limit: number): Promise<readonly StrandedTask[]>;
  /** Not settled and not asked to stop, though its parent was cancelled. Oldest first. */
  findAbandoned(limit: number): Promise<readonly StrandedTask[]>;
  /** Settled before the moment, and not cleaned. Oldest first. */
  findUncleaned(finishedBefore: Date, limit: number): Promise<readonly StrandedTask[]>;
  /**
   * Deletes tasks that settled before the moment, are cleaned and have no retry under way, oldest first, with their
   * records, errors, attempts and, where the log is in the same store, events. At most `limit` tasks, fewer where they
   * have many records, none while another call prunes.
   * @returns their ids
   */
  prune(finishedBefore: Date, limit: number): Promise<readonly string[]>;
  /**
   * Whether the caller may do a chore that one process does for all: true for the first caller, then false until the
   * interval is over.
   */
  takeTurn(chore: string, at: Date, intervalMs: number): Promise<boolean>;
}
