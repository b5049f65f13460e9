import { expect } from "vitest";
import type { Counts, Progress } from "../../src/core/tasks/progress.ts";
import { NO_COUNTS } from "../../src/core/tasks/progress.ts";
import type { Attempt, DoneWork, HeartbeatResult, Settlement } from "../../src/core/tasks/task-attempts.ts";
import type { CreateResult, NewTask } from "../../src/core/tasks/new-tasks.ts";
import type { Task } from "../../src/core/tasks/task.ts";
import { after, sampleTask } from "./sample-task.ts";
import type { World } from "./world.ts";

/** How a task ended: SUCCEEDED, five seconds after its creation, unless the parts say otherwise. */
export function settlementOf(task: NewTask, parts: Partial<Settlement> = {}): Settlement {
  return {
    status: "SUCCEEDED",
    message: null,
    result: null,
    finishedAt: after(task, 5_000),
    counts: NO_COUNTS,
    ...parts,
  };
}

export function countsOf(succeeded: number, failed = 0, skipped = 0): Counts {
  return { succeeded, failed, skipped };
}

/** The task store's methods, each in its own transaction. */
export interface TaskVerbs {
  create(task: NewTask): Promise<CreateResult>;
  /** A new task, created. */
  created(parts?: Partial<NewTask>): Promise<NewTask>;
  /** Begins the attempt after the expected one, a second after the task's creation unless `at` says otherwise. */
  begin(task: NewTask, expectedAttempt?: number, at?: Date): Promise<Attempt | undefined>;
  /** A heartbeat that many milliseconds after the task's creation. */
  beat(task: NewTask, attempt: number, ms: number, progress?: Progress): Promise<HeartbeatResult>;
  finishChunk(task: NewTask, number: number, counts: Counts): Promise<void>;
  lockDone(task: NewTask, attempt: number): Promise<DoneWork | undefined>;
  settle(task: NewTask, attempt: number, parts?: Partial<Settlement>): Promise<boolean>;
  markCleaned(task: NewTask): Promise<boolean>;
  found(task: NewTask): Promise<Task | undefined>;
}

export function taskVerbs(world: () => World): TaskVerbs {
  const create: TaskVerbs["create"] = (task) =>
    world().unitOfWork.run((transaction) => world().tasks.create(transaction, task));
  return {
    create,
    async created(parts) {
      const task = sampleTask(parts);
      expect(await create(task)).toEqual({ kind: "CREATED" });
      return task;
    },
    begin: (task, expectedAttempt = 0, at = after(task, 1_000)) =>
      world().unitOfWork.run((transaction) =>
        world().tasks.beginAttempt(transaction, { taskId: task.id, expectedAttempt, workerId: "worker", at }),
      ),
    beat: (task, attempt, ms, progress) =>
      world().tasks.heartbeat({
        taskId: task.id,
        attempt,
        at: after(task, ms),
        ...(progress === undefined ? {} : { progress }),
      }),
    finishChunk: (task, number, counts) =>
      world().unitOfWork.run((transaction) => world().finishChunk(transaction, task.id, number, counts)),
    lockDone: (task, attempt) =>
      world().unitOfWork.run((transaction) => world().tasks.lockDone(transaction, task.id, attempt)),
    settle: async (task, attempt, parts) => {
      const settled = await world().unitOfWork.run((transaction) =>
        world().tasks.settle(transaction, task.id, attempt, settlementOf(task, parts)),
      );
      return settled !== undefined;
    },
    markCleaned: (task) =>
      world().unitOfWork.run((transaction) => world().tasks.markCleaned(transaction, task.id)),
    found: async (task) => (await world().tasks.find([task.id])).get(task.id),
  };
}
