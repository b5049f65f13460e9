import { AppError } from "../../kernel/app-error.ts";
import type { ListWindow } from "../../kernel/list-window.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { TaskScope } from "./task-sight.ts";
import type { TaskStatus } from "./task-status.ts";
import type { Task } from "./task.ts";

/** At most this many retries are listed with a task. */
export const MAX_LISTED_RETRIES = 100;
/** At most this many children are listed with a task. */
export const MAX_LISTED_CHILDREN = 1000;

/** A record, or one that was there. */
export interface NamedRecord {
  readonly model: string;
  /** Canonical. */
  readonly id: string;
}

/** Which tasks. A left-out member does not restrict. */
export interface TaskFilter {
  readonly statuses?: readonly TaskStatus[];
  readonly kinds?: readonly string[];
  readonly models?: readonly string[];
  readonly ids?: readonly string[];
  readonly createdBy?: string;
  /** Children of these tasks. */
  readonly parents?: readonly string[];
  /** Launched by the schedules of these names. */
  readonly schedules?: readonly string[];
  /** Launched at this time or later. */
  readonly createdAfter?: Date;
  /** Launched before this time. */
  readonly createdBefore?: Date;
  /** Only dry runs, or only others. */
  readonly isDryRun?: boolean;
  /** Those among whose records this one is, and those that claimed it by its id. */
  readonly record?: NamedRecord;
  /** Only those that a viewer sees. */
  readonly seen?: TaskScope | undefined;
}

/** A part of the list of tasks, which has the newest first. Places are ids, which sort by time. */
export interface TaskQuery extends TaskFilter, ListWindow<string> {}

/** Reads committed tasks. */
export interface TaskReads {
  /**
   * The tasks with these ids; unknown ids are left out. Progress of running tasks is up to date.
   * @param within a transaction whose own tasks are found, too
   */
  find(ids: readonly string[], within?: Transaction): Promise<ReadonlyMap<string, Task>>;
  /** Newest first. */
  list(query: TaskQuery): Promise<readonly Task[]>;
  /** Number of matching tasks on all pages. */
  count(query: TaskFilter): Promise<number>;
  /** The same by status; statuses without tasks are left out. `statuses` does not restrict. */
  countByStatus(query: TaskFilter): Promise<ReadonlyMap<TaskStatus, number>>;
  /** The retries of these tasks, by the retried task: of each the first {@link MAX_LISTED_RETRIES}, oldest first. @param seen only those */
  retries(taskIds: readonly string[], seen?: TaskScope): Promise<ReadonlyMap<string, readonly Task[]>>;
  /** The newest task among its retries, their retries, and so on; undefined where it was never retried. */
  newestRetry(taskId: string): Promise<Task | undefined>;
  /** The children of these tasks, by parent: of each the first {@link MAX_LISTED_CHILDREN}, oldest first. @param seen only those */
  children(taskIds: readonly string[], seen?: TaskScope): Promise<ReadonlyMap<string, readonly Task[]>>;
  /** The records of all the task's chunks, as the launch left them. */
  recordIds(taskId: string): Promise<readonly string[]>;
}

/** The task with this id; undefined where there is none. */
export async function findTask(tasks: Pick<TaskReads, "find">, taskId: string): Promise<Task | undefined> {
  return (await tasks.find([taskId])).get(taskId);
}

/** A task that must be there. @throws AppError INTERNAL when it is not */
export async function readTask(tasks: Pick<TaskReads, "find">, taskId: string): Promise<Task> {
  const task = await findTask(tasks, taskId);
  if (task === undefined) {
    throw new AppError("INTERNAL", `Task ${taskId} is not in the store.`);
  }
  return task;
}
