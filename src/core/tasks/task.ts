import type { Json } from "../../kernel/json.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Progress } from "./progress.ts";
import type { TaskStatus } from "./task-status.ts";

/** The kind of the tasks that stand for records which a process reserves by hand. No definition may have it. */
export const RESERVATION_KIND = "reservation";

/** What happens when a record cannot be written. */
export type ErrorPolicy = "ALL_OR_NOTHING" | "SKIP_FAILED";

/** What a launch, or a running task, does about records that another task holds. */
export type OnConflict = "REJECT" | "SKIP" | "WAIT";

/** Where a task runs: AUTO by its size, SYNC in the request, ASYNC in a worker. */
export type RunMode = "AUTO" | "SYNC" | "ASYNC";

/** A durable unit of work, as read from the store. @typeParam Result what its definition's `run` returned, if it is known */
export interface Task<Result = Json> {
  /** UUID version 7: sorts by time of creation. */
  readonly id: string;
  /** Name of its definition: `bulkUpdate`. */
  readonly kind: string;
  /** The model it works on; null for a custom task without one. */
  readonly model: string | null;
  readonly label: string | null;
  readonly status: TaskStatus;
  readonly errorPolicy: ErrorPolicy;
  /** Whether all that it writes is rolled back. */
  readonly isDryRun: boolean;
  /** What it does about a record that another task holds, and that it comes to need while it runs. */
  readonly onConflict: OnConflict;
  /** The task that it retries. */
  readonly retryOf: string | null;
  /** The task whose handler launched it. */
  readonly parent: string | null;
  /** The name of the schedule that launched it. */
  readonly schedule: string | null;
  /** The trace that it was launched in, as W3C `traceparent`. Null, or left out, where nobody traces. */
  readonly trace?: string | null;
  /** The viewer who launched it. The worker applies this viewer's scope. */
  readonly viewer: Viewer;
  /** Whether it was to be followed on the app's status page: see the channel STATUS_PAGE. */
  readonly hasStatusPage: boolean;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Number of its latest attempt, the fencing token; 0 before the first. */
  readonly attempt: number;
  /** While WAITING, the task that holds its records, or is before it in line. Otherwise null. */
  readonly blockedBy: string | null;
  /** Set once a viewer asked the running task to stop. */
  readonly cancelRequestedAt: Date | null;
  /** Set while it is PAUSED, or is to be paused before its next chunk: when a viewer asked for it. */
  readonly pauseRequestedAt: Date | null;
  /** The viewer who asked for it; null for an anonymous one. */
  readonly pauseRequestedBy: string | null;
  /** While it is PAUSED: since when. */
  readonly pausedAt: Date | null;
  /** How many of its attempts were ended by a pause. */
  readonly pauses: number;
  /** While it is PENDING after a failed attempt, or must wait: when its next attempt may begin. */
  readonly postponedUntil: Date | null;
  /** How many of its attempts were ended since their process stopped. Left out: none. */
  readonly handOvers?: number;
  /** How many of its attempts ended with an error of the handler. */
  readonly failures: number;
  readonly input: Json;
  readonly result: Result;
  /** The outcome in words. Progress does not change it. */
  readonly message: string | null;
  readonly progress: Progress;
  /** Set once its locks are gone and CLEANUP is in the log. */
  readonly isCleaned: boolean;
}
