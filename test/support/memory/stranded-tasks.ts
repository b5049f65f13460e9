import { FINAL_STEPS } from "../../../src/core/tasks/task-hooks.ts";
import type { StrandedTask, StrandedTasks } from "../../../src/core/tasks/stranded-tasks.ts";
import type { StoredTask } from "./stored-task.ts";
import { leaseKey } from "./task-shelf.ts";
import type { TaskShelf } from "./task-shelf.ts";

/** The sweeper's view of a memory task store. */
export function createStrandedReads(shelf: TaskShelf): StrandedTasks {
  const { rows, leases, enqueued } = shelf;
  const turns = new Map<string, Date>();
  /** @param since since when a row has been stranded; undefined if it is not */
  const find = (
    since: (row: StoredTask) => Date | null | undefined,
    before: Date,
    limit: number,
  ): StrandedTask[] =>
    [...rows.all()]
      .flatMap((row) => {
        const moment = since(row);
        return moment != null && moment < before ? [{ id: row.id, row, moment }] : [];
      })
      .toSorted((a, b) => a.moment.getTime() - b.moment.getTime() || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(({ row }) => strandedTask(row));
  const isDue = ({ task, slot }: StoredTask, before: Date): boolean =>
    task.status === "PENDING" &&
    slot !== "AWAITED" &&
    (task.postponedUntil === null || task.postponedUntil < before);
  return {
    findUnenqueued: async (before, limit) =>
      find((row) => (isDue(row, before) && !enqueued.has(row.id) ? row.task.createdAt : null), before, limit),
    findUnbegun: async (before, limit) =>
      find((row) => (isDue(row, before) ? enqueued.get(row.id) : null), before, limit),
    findOrphans: async (before, limit) =>
      find(
        (row) => (row.task.status === "RUNNING" ? leases.get(leaseKey(row))?.heartbeatAt : null),
        before,
        limit,
      ),
    findUncleaned: async (before, limit) =>
      find((row) => (row.cleanedAt === null ? row.task.finishedAt : null), before, limit),
    findAbandoned: async (limit) =>
      [...rows.all()]
        .filter(
          ({ id, task }) =>
            task.finishedAt === null &&
            !shelf.cancellations.has(id) &&
            rows.get(task.parent ?? "")?.task.status === "CANCELLED",
        )
        .map(({ id, task }) => ({ id, attempt: task.attempt }))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    async takeTurn(chore, at, intervalMs) {
      const last = turns.get(chore);
      if (last !== undefined && last.getTime() > at.getTime() - intervalMs) {
        return false;
      }
      turns.set(chore, at);
      return true;
    },
    prune: async (finishedBefore, limit) => prune(shelf, finishedBefore, limit),
  };
}

/** The row for the sweeper. */
export function strandedTask({ id, task: { attempt, postponedUntil } }: StoredTask): StrandedTask {
  return postponedUntil === null
    ? { id, attempt }
    : { id, attempt, postponedUntil: postponedUntil.getTime() };
}

function prune(
  { rows, cancellations, pauses, hookCalls }: TaskShelf,
  finishedBefore: Date,
  limit: number,
): readonly string[] {
  const kept = [...rows.all()];
  const needed = new Set(
    kept.flatMap(({ task: { retryOf, parent, finishedAt: endedAt } }) =>
      endedAt === null ? [retryOf, parent] : [],
    ),
  );
  const pruned = kept
    .flatMap(({ id, cleanedAt, task: { finishedAt } }) =>
      cleanedAt !== null && finishedAt !== null && finishedAt < finishedBefore && !needed.has(id)
        ? [{ id, finishedAt }]
        : [],
    )
    .toSorted((a, b) => a.finishedAt.getTime() - b.finishedAt.getTime() || (a.id < b.id ? -1 : 1))
    .slice(0, limit)
    .map(({ id }) => id);
  for (const id of pruned) {
    rows.remove(id);
    cancellations.delete(id);
    pauses.delete(id);
    FINAL_STEPS.forEach((step) => hookCalls.delete(`${id}:${step}`));
  }
  return pruned;
}
