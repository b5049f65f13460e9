import type { TaskPauses } from "../../../src/core/tasks/task-pauses.ts";
import { requiredMemory } from "./memory-transaction.ts";
import { strandedTask } from "./stranded-tasks.ts";
import type { TaskShelf } from "./task-shelf.ts";
import { leaseKey } from "./task-shelf.ts";

/** The tasks of a memory store that are PAUSED, or are to be. */
export function createMemoryPauses({ rows, leases, enqueued, cancellations, pauses }: TaskShelf): TaskPauses {
  return {
    async pausePending(transaction, { taskId, at, by }) {
      const row = await rows.lock(transaction, taskId);
      if (row?.task.status !== "PENDING") {
        return false;
      }
      rows.put(transaction, { ...row, task: { ...row.task, status: "PAUSED" } });
      const request = pauses.get(taskId) ?? { requestedAt: at, requestedBy: by };
      requiredMemory(transaction).atCommit.push(() => void pauses.set(taskId, { ...request, pausedAt: at }));
      return true;
    },
    async requestPause({ taskId, at, by }) {
      if (rows.get(taskId)?.task.status !== "RUNNING") {
        return false;
      }
      pauses.set(taskId, pauses.get(taskId) ?? { requestedAt: at, requestedBy: by, pausedAt: null });
      return true;
    },
    async pauseRunning(transaction, { taskId, attempt, at, progress }) {
      const row = await rows.lock(transaction, taskId);
      if (row?.task.status !== "RUNNING" || row.task.attempt !== attempt) {
        return { kind: "FENCED" };
      }
      const task = { ...row.task, pauses: row.task.pauses + 1 };
      const request = pauses.get(taskId);
      if (request === undefined || cancellations.has(taskId)) {
        rows.put(transaction, { ...row, task });
        return { kind: cancellations.has(taskId) ? "CANCELLED" : "WITHDRAWN" };
      }
      rows.put(transaction, { ...row, task: { ...task, status: "PAUSED" } });
      requiredMemory(transaction).atCommit.push(() => {
        pauses.set(taskId, { ...request, pausedAt: at });
        leases.set(leaseKey(row), { heartbeatAt: at, progress: { ...progress } });
      });
      return { kind: "PAUSED" };
    },
    async withdrawPause(taskId) {
      return pauses.get(taskId)?.pausedAt === null && pauses.delete(taskId);
    },
    async resume(transaction, taskId) {
      const row = await rows.lock(transaction, taskId);
      if (row?.task.status !== "PAUSED") {
        return undefined;
      }
      rows.put(transaction, { ...row, task: { ...row.task, status: "PENDING" } });
      requiredMemory(transaction).atCommit.push(() => {
        pauses.delete(taskId);
        enqueued.delete(taskId);
      });
      return strandedTask(row);
    },
  };
}
