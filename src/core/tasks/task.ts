import type { Json } from "../../kernel/json.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Progress } from "./progress.ts";
import type { TaskStatus } from "./task-status.ts";

/** What happens when some records cannot be written. */
export type ErrorPolicy = "ALL_OR_NOTHING" | "SKIP_FAILED";

/** Where a task runs: by its size, in the request, or in a worker. */
export type RunMode = "AUTO" | "SYNC" | "ASYNC";

/** The durable unit of work that someone launched, as read from the store. */
export interface Task {
  /** UUID version 7: sorts by time of creation. */
  readonly id: string;
  /** Name of its definition: `bulkUpdate`. */
  readonly kind: string;
  /** The model it works on, where it works on one. */
  readonly model: string | null;
  readonly label: string | null;
  readonly status: TaskStatus;
  readonly errorPolicy: ErrorPolicy;
  /** Whether it only tries: all that it writes is rolled back. */
  readonly isDryRun: boolean;
  /** The task whose records it tries again, where it does. */
  readonly retryOf: string | null;
  /** Who launched it; the worker applies this viewer's scope. */
  readonly viewer: Viewer;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Number of its latest attempt, the fencing token; 0 before the first. */
  readonly attempt: number;
  /** While WAITING: a task that holds, or waits before this one for, something that it waits for. Otherwise null. */
  readonly blockedBy: string | null;
  /** Set once somebody asked a running task to stop. */
  readonly cancelRequestedAt: Date | null;
  readonly input: Json;
  readonly result: Json;
  /** The outcome in words; never touched by progress. */
  readonly message: string | null;
  readonly progress: Progress;
  /** Set once its locks are gone and CLEANUP is in the log. */
  readonly isCleaned: boolean;
}
