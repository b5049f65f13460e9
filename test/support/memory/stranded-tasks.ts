import type { StrandedTask, TaskStore } from "../../../src/core/tasks/task-store.ts";
import type { StoredTask } from "./stored-task.ts";
import { leaseKey } from "./task-shelf.ts";
import type { TaskShelf } from "./task-shelf.ts";

/** What the sweeper asks a memory task store for. */
export function createStrandedReads({
  rows,
  leases,
  enqueued,
}: TaskShelf): Pick<TaskStore, "findUnenqueued" | "findUnbegun" | "findOrphans" | "findUncleaned"> {
  /** `since` says how long a row has been stranded; undefined where it is not. */
  const find = (
    since: (row: StoredTask) => Date | null | undefined,
    before: Date,
    limit: number,
  ): StrandedTask[] =>
    [...rows.all()]
      .flatMap((row) => {
        const moment = since(row);
        return moment != null && moment < before ? [{ id: row.id, attempt: row.task.attempt, moment }] : [];
      })
      .toSorted((a, b) => a.moment.getTime() - b.moment.getTime() || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(({ id, attempt }) => ({ id, attempt }));
  const isUnenqueued = ({ id, task }: StoredTask): boolean => task.status === "PENDING" && !enqueued.has(id);
  return {
    findUnenqueued: async (before, limit) =>
      find((row) => (isUnenqueued(row) ? row.task.createdAt : null), before, limit),
    findUnbegun: async (before, limit) =>
      find(({ id, task }) => (task.status === "PENDING" ? enqueued.get(id) : null), before, limit),
    findOrphans: async (before, limit) =>
      find(
        (row) => (row.task.status === "RUNNING" ? leases.get(leaseKey(row))?.heartbeatAt : null),
        before,
        limit,
      ),
    findUncleaned: async (before, limit) =>
      find((row) => (row.cleanedAt === null ? row.task.finishedAt : null), before, limit),
  };
}
