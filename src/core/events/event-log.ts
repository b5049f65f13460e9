import type { Progress } from "../tasks/progress.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { LifecycleEvent, LifecycleEventType } from "./task-event.ts";

/** An event to be written. The log numbers it. */
export interface NewLifecycleEvent {
  readonly taskId: string;
  readonly type: LifecycleEventType;
  readonly at: Date;
  readonly progress: Progress;
  readonly message: string | null;
}

/** Which events to replay. */
export interface ReplayQuery {
  /** Only events at higher positions. */
  readonly after: number;
  readonly taskIds?: readonly string[];
  readonly limit: number;
}

/** The durable log of lifecycle events. */
export interface EventLog {
  /** Appends within the transaction; visible with its commit, in order (see {@link LifecycleEvent.position}). */
  append(transaction: Transaction, event: NewLifecycleEvent): Promise<void>;
  /** In order of position. Events of pruned tasks are gone. */
  replay(query: ReplayQuery): Promise<readonly LifecycleEvent[]>;
  /** The highest position that was ever given; 0 before the first. Pruning does not lower it. */
  head(): Promise<number>;
}
