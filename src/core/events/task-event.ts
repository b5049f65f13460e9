import type { Progress } from "../tasks/progress.ts";

export const TASK_EVENT_TYPES = [
  "CREATE",
  "START",
  "PROGRESS",
  "COMPLETE",
  "FAIL",
  "CANCEL",
  "RETRY",
  "CLEANUP",
] as const;

export type TaskEventType = (typeof TASK_EVENT_TYPES)[number];

/** Kept in the log, numbered, never dropped. */
export type LifecycleEventType = Exclude<TaskEventType, "PROGRESS">;

/** A fact of a task's life, as the log keeps it. */
export interface LifecycleEvent {
  /**
   * Where it stands among all events of all tasks. Positions become visible in order: when one can be read,
   * every lower one can be read or will never be (a gap is a transaction that rolled back). So the highest
   * position seen is a cursor that misses nothing.
   */
  readonly position: number;
  readonly taskId: string;
  /** Where it stands among its task's events: 1, 2, 3 … without gaps. */
  readonly sequence: number;
  readonly type: LifecycleEventType;
  readonly at: Date;
  /** The task's progress at that moment. */
  readonly progress: Progress;
  readonly message: string | null;
}

/**
 * An event as subscribers see it. A PROGRESS event is not in the log and has no number of its own: it carries
 * position and sequence of the lifecycle event that it follows.
 */
export interface TaskEvent extends Omit<LifecycleEvent, "type"> {
  readonly type: TaskEventType;
}
