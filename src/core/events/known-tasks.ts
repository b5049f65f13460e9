import type { Progress } from "../tasks/progress.ts";
import { percentOf, processedOf } from "../tasks/progress.ts";
import type { Task } from "../tasks/task.ts";
import type { FeedEntry } from "./feed-item.ts";
import type { TaskAnnouncement } from "./task-announcement.ts";
import type { LifecycleEvent } from "./task-event.ts";

/** The announcement of a running attempt's progress. */
export type ProgressAnnouncement = Extract<TaskAnnouncement, { kind: "PROGRESS" }>;

/** A task as last read, and the latest of its lifecycle events that was handed out. */
interface KnownTask {
  readonly task: Task;
  readonly last: LifecycleEvent;
}

/**
 * The tasks that a feed used lately. The least recently used one is forgotten first. It turns announced progress into
 * events, and keeps the counts of an attempt from falling.
 */
export interface KnownTasks {
  has(taskId: string): boolean;
  /** Adds a lifecycle event with its task as read from the store. @returns the task to hand out */
  note(last: LifecycleEvent, task: Task): Task;
  /** The progress event; undefined when the task is unknown, not running, or runs another attempt. */
  advance(announced: ProgressAnnouncement): FeedEntry | undefined;
  /** A progress event with the task's present state; undefined unless it is known and running. */
  restate(taskId: string, at: Date): FeedEntry | undefined;
}

/** @param maxTasks how many to remember */
export function createKnownTasks(maxTasks: number): KnownTasks {
  const known = new Map<string, KnownTask>();

  const remember = (entry: KnownTask): void => {
    known.delete(entry.task.id);
    known.set(entry.task.id, entry);
    if (known.size > maxTasks) {
      const [oldest] = known.keys();
      known.delete(oldest ?? "");
    }
  };
  return {
    has: (taskId) => known.has(taskId),
    note(last, task) {
      const before = known.get(task.id)?.task;
      const isSameRun = before?.attempt === task.attempt && isRunning(before) && isRunning(task);
      const noted = isSameRun ? { ...task, progress: laterProgress(before.progress, task.progress) } : task;
      remember({ task: noted, last });
      return noted;
    },
    advance(announced) {
      const entry = known.get(announced.taskId);
      if (entry === undefined || !hasStarted(entry) || entry.task.attempt !== announced.attempt) {
        return undefined;
      }
      const task = { ...entry.task, progress: laterProgress(entry.task.progress, announced.progress) };
      remember({ task, last: entry.last });
      return progressEntry({ task, last: entry.last }, new Date(announced.at));
    },
    restate(taskId, at) {
      const entry = known.get(taskId);
      return entry !== undefined && hasStarted(entry) ? progressEntry(entry, at) : undefined;
    },
  };
}

function isRunning(task: Task): boolean {
  return task.status === "RUNNING";
}

/** A task may be read as RUNNING before its START is handed out. Progress waits for that event. */
function hasStarted({ task, last }: KnownTask): boolean {
  return (
    (isRunning(task) && last.type === "START") || (task.status === "RECEIVING" && last.type === "CREATE")
  );
}

function progressEntry({ task, last }: KnownTask, at: Date): FeedEntry {
  const { position, taskId, sequence } = last;
  const { progress } = task;
  return {
    task,
    event: { position, taskId, sequence, type: "PROGRESS", at, progress, message: progress.message },
  };
}

/** The later progress. No count is below the earlier one. */
function laterProgress(before: Progress, now: Progress): Progress {
  const counts = {
    succeeded: Math.max(before.succeeded, now.succeeded),
    failed: Math.max(before.failed, now.failed),
    skipped: Math.max(before.skipped, now.skipped),
  };
  const processed = processedOf(counts);
  if (processed === now.processed) {
    return now;
  }
  return { ...now, ...counts, processed, percent: percentOf(now.total, processed) };
}
