import type { TaskStore } from "../../../src/core/tasks/task-store.ts";
import type { TaskShelf } from "./task-shelf.ts";

/** What a memory task store does for the sweeper besides looking for what is stranded. */
export function createMemoryChores(shelf: TaskShelf): Pick<TaskStore, "takeTurn" | "prune"> {
  const turns = new Map<string, Date>();
  return {
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

function prune({ rows, cancellations }: TaskShelf, finishedBefore: Date, limit: number): readonly string[] {
  const kept = [...rows.all()];
  const underRetry = new Set(
    kept.flatMap(({ task: { retryOf, finishedAt: endedAt } }) => (endedAt === null ? [retryOf] : [])),
  );
  const pruned = kept
    .flatMap(({ id, cleanedAt, task: { finishedAt } }) =>
      cleanedAt !== null && finishedAt !== null && finishedAt < finishedBefore && !underRetry.has(id)
        ? [{ id, finishedAt }]
        : [],
    )
    .toSorted((a, b) => a.finishedAt.getTime() - b.finishedAt.getTime() || (a.id < b.id ? -1 : 1))
    .slice(0, limit)
    .map(({ id }) => id);
  for (const id of pruned) {
    rows.remove(id);
    cancellations.delete(id);
  }
  return pruned;
}
