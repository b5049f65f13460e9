import type { Transaction } from "../transactions/transaction.ts";
import type { StrandedTask } from "./stranded-tasks.ts";

/** What became of a RUNNING task whose attempt failed. */
export type PostponeResult =
  /** PENDING. Its locks stay, and its slot is free. */
  | { readonly kind: "POSTPONED" }
  /** It was asked to stop meanwhile; nothing was written. */
  | { readonly kind: "CANCELLED" }
  /** The attempt is not the current one; nothing was written. */
  | { readonly kind: "FENCED" };

/** A task that a worker took which does not know its kind. */
export interface AwaitedKind {
  /** Since when that happens to it. */
  readonly since: Date;
  /** When it is to be delivered again. */
  readonly until: Date;
}

/** PENDING tasks that are not in the queue as a new one is: they must wait for a time, a slot, or a worker. */
export interface PostponedTasks {
  /** Makes a RUNNING task PENDING until a time, with one more failure. */
  postpone(
    transaction: Transaction,
    request: { readonly taskId: string; readonly attempt: number; readonly until: Date },
  ): Promise<PostponeResult>;
  /**
   * Makes a task wait for a worker that knows its kind. The delay is as long as it has waited already, within the bounds.
   * Undefined, and nothing written, where its latest attempt is another one, it is settled, or it waits already and is
   * due within the longest delay.
   */
  awaitKind(
    transaction: Transaction,
    request: {
      readonly taskId: string;
      /** Number of its latest attempt. */
      readonly attempt: number;
      readonly at: Date;
      readonly minDelayMs: number;
      readonly maxDelayMs: number;
      /** It never waits for longer, all in all. */
      readonly maxWaitMs: number;
    },
  ): Promise<AwaitedKind | undefined>;
  /** Tasks of these kinds that wait for a worker that knows them. Oldest first. */
  findAwaitingKinds(kinds: readonly string[], limit: number): Promise<readonly StrandedTask[]>;
  /**
   * Gives free slots to the tasks that were turned away, oldest first. The caller enqueues them; should that fail, the
   * sweeper does.
   * @param taskId a task that has ended an attempt: only slots of its key. Default: of all keys
   */
  giveSlots(taskId?: string): Promise<readonly StrandedTask[]>;
}
