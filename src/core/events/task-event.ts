import type { Progress } from "../tasks/progress.ts";

export type TaskEventType =
  | "CREATE"
  | "START"
  | "PROGRESS"
  | "POSTPONE"
  | "PAUSE"
  | "RESUME"
  | "COMPLETE"
  | "FAIL"
  | "CANCEL"
  | "CLEANUP";

/** Types of events in the log: numbered, never dropped. */
export type LifecycleEventType = Exclude<TaskEventType, "PROGRESS">;

/** An event in a task's life, as stored in the log. */
export interface LifecycleEvent {
  /**
   * Its place among all events of all tasks. Positions become visible in order: once a position can be read, no lower
   * one will appear later (a gap is a transaction that rolled back). So the highest position seen is a cursor that
   * misses nothing.
   */
  readonly position: number;
  readonly taskId: string;
  /** Its place among its task's events: 1, 2, 3 … without gaps. */
  readonly sequence: number;
  readonly type: LifecycleEventType;
  readonly at: Date;
  /** The task's progress at that moment. */
  readonly progress: Progress;
  readonly message: string | null;
}

/**
 * An event for subscribers. A PROGRESS event is not in the log: it has the position and sequence of the lifecycle event
 * before it.
 */
export interface TaskEvent extends Omit<LifecycleEvent, "type"> {
  readonly type: TaskEventType;
}
