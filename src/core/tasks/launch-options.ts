import type { Notify } from "./notify.ts";
import type { ErrorPolicy, OnConflict, RunMode } from "./task.ts";

/** The caller's options of a launch. Each documents its default. */
export interface LaunchOptions {
  /**
   * REJECT (default): refuse the whole launch, naming records and holders. SKIP: leave held records out, and report them
   * as skipped, with their holders. WAIT: stand in line, first come, first served per record, with status WAITING until
   * all records are free.
   */
  readonly onConflict?: OnConflict;
  /** ALL_OR_NOTHING (default): one transaction. SKIP_FAILED: changes what it can, and reports the rest. */
  readonly errorPolicy?: ErrorPolicy;
  /** AUTO (default): synchronous below the threshold. */
  readonly mode?: RunMode;
  /** The same key with the same input returns the first task; with other input it is refused. 1 to 200 characters. */
  readonly idempotencyKey?: string;
  /**
   * What a launch under an idempotency key does whose task is settled and did not do all. RETURN (default): returns that
   * task. RETRY: retries what is left, as `retry` does: of that task, or of the newest of its retries. Whatever is settled
   * as PARTIAL, FAILED or CANCELLED counts; while a retry is not settled, it is returned.
   */
  readonly ifUnfinished?: "RETURN" | "RETRY";
  /** Refuse when more records match. Required with a filter that matches everything. At least 0. */
  readonly maxAffected?: number;
  /**
   * True: the task runs in one transaction that is rolled back, and settles with the counts and errors that it would have
   * had. Default: false.
   */
  readonly dryRun?: boolean;
  /**
   * False (default): while the viewer has an identical unsettled task, the launch returns that task. Launches with an
   * idempotency key are never duplicates of each other: a new key means a new operation.
   */
  readonly allowDuplicate?: boolean;
  /**
   * For launches inside a task: makes a task of its own, with that one as its parent. `wait` says whether the launch returns
   * only once it has settled. Default: a task of the app's own is run as a part of the caller's, and a bulk operation is a
   * child that is not waited for.
   */
  readonly asChild?: { readonly wait: boolean };
  /** Shown beside the task. At most 200 characters. */
  readonly label?: string;
  /**
   * Whom to tell how the task ends; an empty list for nobody. At most 20. Default: as the config says. A launch that an earlier
   * task answers, by its idempotency key or as its duplicate, adds nobody.
   */
  readonly notify?: readonly Notify[];
}
