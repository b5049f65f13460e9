import type { ErrorPolicy, RunMode } from "./task.ts";

/** How a launch meets records that another task holds, or stands in line for. */
export type OnConflict = "REJECT" | "SKIP" | "WAIT";

/** What the caller of any launch may say; each left-out member has the default that is documented here. */
export interface LaunchOptions {
  /**
   * REJECT (default): refuse the whole launch, naming records and holders. SKIP: do the rest, and report the records
   * that are held as skipped, with their holders. WAIT: stand in line, first come, first served per record, with
   * status WAITING until all records are free.
   */
  readonly onConflict?: OnConflict;
  /** ALL_OR_NOTHING (default): one transaction. SKIP_FAILED: all that can be changed are, the others are named. */
  readonly errorPolicy?: ErrorPolicy;
  /** AUTO (default): synchronous below the threshold. */
  readonly mode?: RunMode;
  /** The same key with the same input gives the first task; with other input it is refused. 1 to 200 characters. */
  readonly idempotencyKey?: string;
  /** Refuse when more records match. Required with a filter that matches everything. At least 0. */
  readonly maxAffected?: number;
  /**
   * True: the task runs as it would, in one transaction that is rolled back, and settles with the counts and errors that
   * it would have had. Default: false.
   */
  readonly dryRun?: boolean;
  /**
   * False (default): while the viewer has an identical task that is not settled, a launch is answered with that one. A
   * launch with an idempotency key takes no part in this: a key of its own says that it is an operation of its own.
   */
  readonly allowDuplicate?: boolean;
  /** Shown beside the task. At most 200 characters. */
  readonly label?: string;
}
