import { AppError } from "../../kernel/app-error.ts";
import { isUuid } from "../../kernel/ids.ts";
import type { TaskReads } from "../tasks/task-reads.ts";
import { isFinal } from "../tasks/task-status.ts";
import type { TaskStatus } from "../tasks/task-status.ts";
import type { Task } from "../tasks/task.ts";
import type { FeedItem } from "./feed-item.ts";
import type { TaskEventType } from "./task-event.ts";

/** What watching needs. */
export interface WatchPorts {
  readonly tasks: Pick<TaskReads, "find">;
  subscribe(request: {
    readonly filter: { readonly taskIds: readonly string[] };
    readonly canSee: (task: Task) => boolean;
    readonly signal?: AbortSignal;
  }): AsyncIterableIterator<FeedItem, undefined>;
}

/** Who watches. */
export interface WatchRequest {
  readonly canSee?: (task: Task) => boolean;
  readonly signal?: AbortSignal;
}

const DONE = Object.freeze({ done: true, value: undefined });

/** See TaskFeed.watch. Subscribes first, then reads the state: no change falls between the two. */
export function watchTask(
  ports: WatchPorts,
  taskId: string,
  request: WatchRequest,
): AsyncIterableIterator<Task, undefined> {
  return new TaskWatch(ports, taskId, request);
}

class TaskWatch implements AsyncIterableIterator<Task, undefined> {
  readonly #ports: WatchPorts;
  readonly #taskId: string;
  readonly #canSee: (task: Task) => boolean;
  readonly #changes: AsyncIterableIterator<FeedItem, undefined>;
  #last: Task | undefined;
  #isDone = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(ports: WatchPorts, taskId: string, { canSee = () => true, signal }: WatchRequest) {
    this.#ports = ports;
    this.#taskId = taskId;
    this.#canSee = canSee;
    this.#changes = ports.subscribe({
      filter: { taskIds: [taskId] },
      canSee,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  next(): Promise<IteratorResult<Task, undefined>> {
    const step = this.#tail.then(() => this.#step());
    this.#tail = step.catch(() => undefined);
    return step;
  }

  async return(): Promise<IteratorResult<Task, undefined>> {
    this.#isDone = true;
    await this.#changes.return?.();
    return DONE;
  }

  async throw(error: unknown): Promise<IteratorResult<Task, undefined>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #step(): Promise<IteratorResult<Task, undefined>> {
    if (this.#isDone) {
      return DONE;
    }
    try {
      const task = this.#last === undefined ? await this.#readState() : await this.#nextChange(this.#last);
      if (task === undefined || this.#hasLeft()) {
        return await this.return();
      }
      this.#last = task;
      if (isFinal(task.status)) {
        await this.return();
      }
      return { done: false, value: task };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  /** Whether the watcher left during a wait. */
  #hasLeft(): boolean {
    return this.#isDone;
  }

  async #readState(): Promise<Task> {
    const isPossible = isUuid(this.#taskId);
    const task = isPossible ? (await this.#ports.tasks.find([this.#taskId])).get(this.#taskId) : undefined;
    if (task === undefined || !this.#canSee(task)) {
      throw new AppError("NOT_FOUND", `There is no task "${this.#taskId.slice(0, 100)}".`);
    }
    return task;
  }

  async #nextChange(last: Task): Promise<Task | undefined> {
    for (;;) {
      const change = await this.#changes.next();
      if (change.done === true) {
        return undefined;
      }
      const { event, task } = change.value;
      if (isChange(last, task) || (TURNS.includes(event.type) && isTurn(last, task))) {
        return task;
      }
    }
  }
}

const PHASES: Readonly<Record<TaskStatus, number>> = {
  RECEIVING: -1,
  PENDING: 0,
  WAITING: 0,
  RUNNING: 1,
  PAUSED: 1,
  SUCCEEDED: 2,
  PARTIAL: 2,
  FAILED: 2,
  CANCELLED: 2,
};

/** Whether the second state is a later one than the first, and differs from it. */
function isChange(last: Task, next: Task): boolean {
  const advance =
    next.attempt - last.attempt ||
    PHASES[next.status] - PHASES[last.status] ||
    next.progress.processed - last.progress.processed;
  return advance > 0 || (advance === 0 && visibleState(next) !== visibleState(last));
}

/** Events after which a task may stand where it stood before. */
const TURNS: readonly TaskEventType[] = ["POSTPONE", "PAUSE", "RESUME"];

/** Whether the second state, as of a turn, is to be shown after the first. */
function isTurn(last: Task, next: Task): boolean {
  return next.attempt >= last.attempt && visibleState(next) !== visibleState(last);
}

function visibleState({ status, message, progress }: Task): string {
  return JSON.stringify([status, message, progress]);
}
