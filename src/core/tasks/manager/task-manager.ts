import type { Json } from "../../../kernel/json.ts";
import type { Viewer } from "../../access/viewer.ts";
import type { LaunchBulk } from "../../bulk/bulk-request.ts";
import type { Preview } from "../../bulk/preview.ts";
import type { RetryRequest } from "../../bulk/retry-task.ts";
import type { FeedFilter, FeedItem } from "../../events/feed-item.ts";
import type { Claim } from "../../locks/claim.ts";
import type { SweepReport } from "../../sweeper/sweep.ts";
import type { DefinedTask } from "../define-task.ts";
import type { InlineLaunch } from "../launch/launch-own.ts";
import type { LaunchOutcome } from "../launch/launch-outcome.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { Progress } from "../progress.ts";
import type { CancelOutcome } from "../run/cancel-task.ts";
import type { PauseOutcome } from "../run/pause-task.ts";
import type { ResumeOutcome } from "../run/resume-task.ts";
import type { StoredResult } from "../stored-result.ts";
import type { TaskError } from "../task-error.ts";
import type { TaskFilter } from "../task-reads.ts";
import type { RecordPlace, RecordQuery, TaskRecord } from "../task-results.ts";
import type { Task } from "../task.ts";
import type { Reservation } from "./held-reservation.ts";
import type { ReserveOptions, ReserveOutcome } from "./reservations.ts";
import type { WaitOptions } from "./wait-for-task.ts";

/** A task's id, or what has it: a task whose definition is known types what is returned. */
export type TaskOrId<Result = unknown> = string | { readonly id: string; readonly result?: Result };

/** The options of {@link TaskManager.launch}: who launches, and what every launch may say. */
export interface TaskLaunchOptions extends LaunchOptions {
  /** Who launches it. Default: an anonymous viewer. */
  readonly viewer?: Viewer;
}

/** Who asks for something to be done to a task. */
export interface AskOptions {
  /** Default: an anonymous viewer. */
  readonly viewer?: Viewer;
}

/** A page of a list. */
export interface PageOptions<Place> {
  /** Only what follows this place. Default: from the start. */
  readonly after?: Place;
  /** A whole number. Default: 50. */
  readonly limit?: number;
}

/** Which events to read. */
export interface EventsRequest {
  /** Default: all events of all tasks. */
  readonly filter?: FeedFilter;
  /** The cursor of an earlier event: replays what followed it first. Default: only events from now on. */
  readonly after?: string;
  /** Ends the events, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * Everything that can be done with tasks, for scripts, routes and tests. Code is trusted: reads show every task, and who
 * `viewer` is, is the caller's word.
 *
 * What may be expected to happen is returned, not thrown: `kind` tells a success from each refusal. Reads throw AppError
 * UNAVAILABLE where the database cannot be reached, and VALIDATION_FAILED for a page that cannot be.
 */
export interface TaskManager {
  /**
   * Launches one of the app's own tasks. Its input and its result have the types of the definition. Inside a task it is run
   * as a part of that one, unless `asChild` is given (`kind` is INLINE then); in the hook of a single write it is launched
   * with the write's commit.
   * @throws AppError UNKNOWN_KIND before anything is written, if the config has no such definition
   */
  launch<Input, Result>(
    definition: DefinedTask<Input, Result>,
    input: NoInfer<Input>,
    options?: TaskLaunchOptions,
  ): Promise<LaunchOutcome<StoredResult<Result> | null> | InlineLaunch<Result>>;
  /** The same by the name of the definition's kind. */
  launch(kind: string, input: Json, options?: TaskLaunchOptions): Promise<LaunchOutcome | InlineLaunch>;
  /** Launches a bulk operation, as the bulk mutations do. */
  readonly launchBulk: LaunchBulk;
  /** The task as it is now; undefined where there is none. The progress of a running one is up to date. */
  get<Result = Json>(task: TaskOrId<Result>): Promise<Task<Result> | undefined>;
  /** Tasks, the newest first. The next page is `after` the last one's id. */
  list(query?: TaskFilter & PageOptions<string>): Promise<readonly Task[]>;
  /** Number of tasks on all pages. */
  count(query?: TaskFilter): Promise<number>;
  /** Stops a task for good, in any process: at once if it has not begun, else at its next chunk at the latest. */
  cancel(task: TaskOrId, options?: AskOptions): Promise<CancelOutcome>;
  /**
   * Stops a task between two chunks until it is resumed, in any process; its records stay locked. A reservation cannot be
   * paused.
   */
  pause(task: TaskOrId, options?: AskOptions): Promise<PauseOutcome>;
  /** Lets a paused task go on. */
  resume(task: TaskOrId, options?: AskOptions): Promise<ResumeOutcome>;
  /** Launches a settled task again, as a new one, for what it did not do. */
  retry<Result = Json>(
    task: TaskOrId<Result>,
    options?: AskOptions & Pick<RetryRequest, "records" | "options">,
  ): Promise<LaunchOutcome<Result>>;
  /**
   * Waits until the task is settled, without polling. @returns the settled task
   * @throws AppError NOT_FOUND where there is no such task; UNAVAILABLE when the engine stops meanwhile
   */
  wait<Result = Json>(task: TaskOrId<Result>, options?: WaitOptions): Promise<Task<Result>>;
  /**
   * The events of tasks, live and replayed, each once and in order; see TaskFeed.subscribe for how it ends. The caller
   * reads to the end, leaves the loop, or aborts.
   */
  events(request?: EventsRequest): AsyncIterableIterator<FeedItem, undefined>;
  /**
   * The task's progress now, then each change of it, and the end once the task is settled. Of several changes together
   * only the latest comes.
   * @throws at the first step AppError NOT_FOUND where there is no such task; UNAVAILABLE when the engine stops meanwhile
   */
  progress(task: TaskOrId, options?: Pick<WaitOptions, "signal">): AsyncIterableIterator<Progress, undefined>;
  /** What the task could not do, and why, in order. The next page is `after` the last one's position. */
  errors(task: TaskOrId, page?: PageOptions<number>): Promise<readonly TaskError[]>;
  /**
   * What became of the task's records so far; with `outcome` only of those. The next page is `after` the last one's
   * place.
   */
  records(
    task: TaskOrId,
    page?: PageOptions<RecordPlace> & Pick<RecordQuery, "outcome">,
  ): Promise<readonly TaskRecord[]>;
  /**
   * What a dry run of a bulk operation would have changed, in JSON, as far as the viewer may read it. Undefined for other tasks,
   * before it has ended, and where the viewer may not read the model.
   * @param options `viewer`: default: who launched it. `first`: the most records, 0 to 200. Default: 20
   */
  preview(task: TaskOrId, options?: AskOptions & { readonly first?: number }): Promise<Preview | undefined>;
  /**
   * Reserves records for as long as this process lives and does not release them: nobody else changes them meanwhile, and
   * whoever tries is told of this reservation. It is a task of the kind `reservation`, so lists and conflicts show it. When
   * the process dies, the sweeper frees the records after the lease.
   *
   * The engine refuses the holder's own writes through the API as well. To hand the records to a task without a gap, launch
   * it with `onConflict: "WAIT"`, then release.
   * @throws AppError UNKNOWN_MODEL, naming the known ones
   */
  reserve(claims: readonly Claim[], options?: ReserveOptions): Promise<ReserveOutcome>;
  /** The same as `reservation.release()`. */
  release(reservation: Pick<Reservation, "release">): Promise<boolean>;
  /** One pass of the sweeper now, beside those of the deployment's own processes. @returns what it did and left alone */
  sweep(): Promise<SweepReport>;
}
