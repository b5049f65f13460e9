import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { StrandedTask, StrandedTasks } from "../../../core/tasks/stranded-tasks.ts";
import {
  FIND_ABANDONED,
  FIND_ORPHANS,
  FIND_UNBEGUN,
  FIND_UNCLEANED,
  FIND_UNENQUEUED,
  TAKE_TURN,
} from "../sql/stranded.ts";
import { PRUNE_TASKS } from "../sql/tasks.ts";

/** A row with STRANDED_COLUMNS. */
export interface StrandedRow {
  readonly id: string;
  readonly attempt: number;
  /** Null, or left out, for a task that was not postponed. */
  readonly postponedUntil?: number | null;
}

/** The task of a row. */
export function toStranded({ id, attempt, postponedUntil }: StrandedRow): StrandedTask {
  return postponedUntil == null ? { id, attempt } : { id, attempt, postponedUntil };
}

/** Finds the tasks that the sweeper takes care of. */
export function createStrandedTasks(session: SqlSession): StrandedTasks {
  const finder = (text: string) => async (moment: Date, limit: number) =>
    (await session.query<StrandedRow>(text, [moment, limit])).map(toStranded);
  return {
    findUnenqueued: finder(FIND_UNENQUEUED),
    findUnbegun: finder(FIND_UNBEGUN),
    findOrphans: finder(FIND_ORPHANS),
    findAbandoned: (limit) => session.query<StrandedTask>(FIND_ABANDONED, [limit]),
    findUncleaned: finder(FIND_UNCLEANED),
    async prune(finishedBefore, limit) {
      const pruned = await session.query<{ id: string }>(PRUNE_TASKS, [finishedBefore, limit]);
      return pruned.map(({ id }) => id);
    },
    async takeTurn(chore, at, intervalMs) {
      const before = new Date(at.getTime() - intervalMs);
      return (await session.query(TAKE_TURN, [chore, at, before])).length > 0;
    },
  };
}
