import { AppError } from "../../../kernel/app-error.ts";
import { isUuid } from "../../../kernel/ids.ts";
import { ANONYMOUS } from "../../access/viewer.ts";
import type { LaunchBulk } from "../../bulk/bulk-request.ts";
import type { ShowPreviews } from "../../bulk/preview.ts";
import { checkPreviewSize, DEFAULT_PREVIEW_RECORDS } from "../../bulk/preview.ts";
import type { RetryTask } from "../../bulk/retry-task.ts";
import { decodeCursor } from "../../events/event-cursor.ts";
import type { TaskFeed } from "../../events/task-feed.ts";
import type { SweepReport } from "../../sweeper/sweep.ts";
import type { DefinedTask } from "../define-task.ts";
import type { CustomLaunch } from "../launch/launch-custom.ts";
import type { InlineLaunch } from "../launch/launch-own.ts";
import type { LaunchOutcome } from "../launch/launch-outcome.ts";
import type { LaunchPorts } from "../launch/launch-task.ts";
import type { Progress } from "../progress.ts";
import type { TaskControls } from "../run/task-controls.ts";
import type { TaskFilter } from "../task-reads.ts";
import { findTask } from "../task-reads.ts";
import type { TaskStore } from "../task-store.ts";
import type { Task } from "../task.ts";
import type { Reservations } from "./reservations.ts";
import type { EventsRequest, TaskLaunchOptions, TaskManager, TaskOrId } from "./task-manager.ts";
import type { WaitOptions } from "./wait-for-task.ts";
import { waitForTask } from "./wait-for-task.ts";

/** What the manager works with. */
export interface TaskManagerPorts {
  readonly launching: LaunchPorts;
  readonly launchOwn: (launch: CustomLaunch) => Promise<LaunchOutcome | InlineLaunch>;
  readonly launchBulk: LaunchBulk;
  readonly retryTask: RetryTask;
  readonly controls: TaskControls;
  readonly feed: TaskFeed;
  readonly showPreviews: ShowPreviews;
  readonly reservations: Pick<Reservations, "reserve">;
  readonly sweep: () => Promise<SweepReport>;
}

/** The size of a page where the caller says none. */
const PAGE_SIZE = 50;

/** One way in to everything that the engine does with tasks. */
export function createTaskManager(ports: TaskManagerPorts): TaskManager {
  const { launching, launchBulk, launchOwn, retryTask, controls, feed, reservations, sweep } = ports;
  const { showPreviews } = ports;
  const reads = createTaskReads(launching.tasks);
  return {
    // What is stored has the type of what the definition's `run` returned; here and below.
    launch: async <Result>(
      task: DefinedTask | string,
      input: unknown,
      { viewer, ...options }: TaskLaunchOptions = {},
    ) => {
      const kind = typeof task === "string" ? task : task.kind;
      const given = { kind, input, options, ...(viewer === undefined ? {} : { viewer }) };
      return (await launchOwn(given)) as LaunchOutcome<Result> | InlineLaunch<never>;
    },
    launchBulk,
    ...reads,
    cancel: (task, { viewer = ANONYMOUS } = {}) => controls.cancelTask({ taskId: idOf(task), viewer }),
    pause: (task, { viewer = ANONYMOUS } = {}) => controls.pauseTask({ taskId: idOf(task), viewer }),
    resume: (task) => controls.resumeTask({ taskId: idOf(task), viewer: ANONYMOUS }),
    retry: async <Result>(task: TaskOrId<Result>, { viewer = ANONYMOUS, ...rest } = {}) =>
      (await retryTask({ taskId: idOf(task), viewer, ...rest })) as LaunchOutcome<Result>,
    wait: async <Result>(task: TaskOrId<Result>, options?: WaitOptions) =>
      (await waitForTask({ feed, clock: launching.clock }, idOf(task), options)) as Task<Result>,
    async preview(task, { viewer, first = DEFAULT_PREVIEW_RECORDS } = {}) {
      checkPreviewSize(first);
      const found = await reads.get(task);
      return found && (await showPreviews(viewer ?? found.viewer, [found], first)).get(found.id);
    },
    events: (request) => events(feed, request),
    progress: (task, options) => progress(feed, idOf(task), options),
    reserve: reservations.reserve,
    release: (reservation) => reservation.release(),
    sweep,
  };
}

/** The reads of the manager, which need nothing but the store. */
export function createTaskReads(
  tasks: Pick<TaskStore, "find" | "list" | "count" | "errors" | "recordPages">,
): Pick<TaskManager, "get" | "list" | "count" | "errors" | "records"> {
  return {
    async get<Result>(task: TaskOrId<Result>) {
      const id = idOf(task);
      const found = isUuid(id) ? await findTask(tasks, id) : undefined;
      return found as Task<Result> | undefined;
    },
    async list({ limit, after, ...query } = {}) {
      const place = after === undefined ? {} : { after: checkedPlace(after) };
      return tasks.list({ ...possible(query), ...place, limit: checkedSize(limit) });
    },
    count: (query = {}) => tasks.count(possible(query)),
    async errors(task, { after = 0, limit } = {}) {
      const id = idOf(task);
      return isUuid(id) ? tasks.errors(id, after, checkedSize(limit)) : [];
    },
    async records(task, { limit, ...page } = {}) {
      const id = idOf(task);
      const query = { ...page, limit: checkedSize(limit) };
      return isUuid(id) ? ((await tasks.recordPages([id], query)).get(id) ?? []) : [];
    },
  };
}

/** The task's id as the stores write it. */
function idOf(task: TaskOrId): string {
  const id = typeof task === "string" ? task : task.id;
  return isUuid(id) ? id.toLowerCase() : id;
}

/** The query without ids that no task can have. */
function possible<Query extends Pick<TaskFilter, "ids">>(query: Query): Query {
  return query.ids === undefined ? query : { ...query, ids: query.ids.map(idOf).filter(isUuid) };
}

function checkedSize(limit = PAGE_SIZE): number {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new AppError("VALIDATION_FAILED", `limit: needs a whole number of at least 0, not ${limit}.`);
  }
  return limit;
}

function checkedPlace(after: string): string {
  if (!isUuid(after)) {
    throw new AppError(
      "VALIDATION_FAILED",
      "after: needs the id of a task, the last one of the page before.",
    );
  }
  return after.toLowerCase();
}

function events(
  feed: TaskFeed,
  { filter, after, signal }: EventsRequest = {},
): ReturnType<TaskManager["events"]> {
  return feed.subscribe({
    ...(filter === undefined ? {} : { filter }),
    ...(after === undefined ? {} : { after: decodeCursor(after) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function* progress(
  feed: TaskFeed,
  taskId: string,
  options: Pick<WaitOptions, "signal"> = {},
): AsyncGenerator<Progress, undefined> {
  let last: Progress | undefined;
  for await (const task of feed.watch(taskId, options)) {
    if (last === undefined || JSON.stringify(last) !== JSON.stringify(task.progress)) {
      last = task.progress;
      yield last;
    }
  }
}
