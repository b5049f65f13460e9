import { encodeAnnouncement, TASK_TOPIC } from "../../src/core/events/task-announcement.ts";
import type { Viewer } from "../../src/core/access/viewer.ts";
import { ANONYMOUS } from "../../src/core/access/viewer.ts";
import { NO_COUNTS, progressOf } from "../../src/core/tasks/progress.ts";
import { recordEvent } from "../../src/core/events/record-event.ts";
import { settleTask } from "../../src/core/tasks/settle/settle-task.ts";
import type { NewTaskError } from "../../src/core/tasks/task-error.ts";
import type { TaskPorts } from "../../src/core/tasks/settle/task-ports.ts";
import { createMemoryTaskQueue } from "../support/memory/memory-task-queue.ts";
import { createId } from "../../src/kernel/ids.ts";

/** Moves tasks of 100 records. */
export interface TaskDriver {
  /** @returns the id */
  create(options?: { readonly viewer?: Viewer; readonly kind?: string }): Promise<string>;
  start(taskId: string): Promise<void>;
  progress(taskId: string, succeeded: number): Promise<void>;
  settle(taskId: string, errors?: readonly NewTaskError[]): Promise<void>;
}

/** Drives tasks over any adapters, without a worker. */
export function createTaskDriver(given: Omit<TaskPorts, "queue">): TaskDriver {
  const ports: TaskPorts = { ...given, queue: createMemoryTaskQueue({ logger: given.logger }) };
  const { unitOfWork, tasks, bus, clock } = ports;
  return {
    async create({ viewer = ANONYMOUS, kind = "bulkUpdate" } = {}) {
      const id = createId(clock.now());
      await unitOfWork.run(async (transaction) => {
        await tasks.create(transaction, {
          id,
          kind,
          model: "City",
          label: null,
          viewer,
          errorPolicy: "SKIP_FAILED",
          isDryRun: false,
          onConflict: "REJECT",
          retryOf: null,
          parent: null,
          schedule: null,
          notify: null,
          concurrency: null,
          input: { selection: { where: {} } },
          idempotencyKey: null,
          duplicateKey: null,
          inputHash: id,
          createdAt: clock.now(),
          total: 100,
          chunks: [],
          claims: [],
          skipped: [],
        });
        await recordEvent(ports, transaction, {
          taskId: id,
          type: "CREATE",
          progress: progressOf(100, NO_COUNTS),
        });
      });
      return id;
    },
    async start(taskId) {
      await unitOfWork.run(async (transaction) => {
        await tasks.beginAttempt(transaction, {
          taskId,
          expectedAttempt: 0,
          workerId: "test",
          at: clock.now(),
        });
        await recordEvent(ports, transaction, {
          taskId,
          type: "START",
          progress: progressOf(100, NO_COUNTS),
        });
      });
    },
    async progress(taskId, succeeded) {
      const progress = progressOf(100, { ...NO_COUNTS, succeeded });
      const at = clock.now().toISOString();
      await bus.publish(
        TASK_TOPIC,
        encodeAnnouncement({ kind: "PROGRESS", taskId, attempt: 1, at, progress }),
      );
    },
    async settle(taskId, errors = []) {
      const counts = { succeeded: 100 - errors.length, failed: errors.length, skipped: 0 };
      const status = errors.length > 0 ? "PARTIAL" : "SUCCEEDED";
      await settleTask(ports, {
        kind: "bulkUpdate",
        taskId,
        attempt: 1,
        total: 100,
        settle: { status, message: "done", result: null, counts, errors },
      });
    },
  };
}
