import { isUuid } from "../../../kernel/ids.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { DeadQuery, Outbox, OutboxRow, TryResult } from "../../../core/notifications/outbox.ts";
import { inListOrder, windowValues } from "../sql/list-window.ts";
import { CONCLUDE_TRY, COUNT_DEAD, NEXT_DUE, REVIVE, TAKE_DUE, listDead } from "../sql/notifications.ts";

interface Row {
  readonly id: string;
  readonly task_id: string;
  readonly channel: OutboxRow["channel"];
  readonly target: string;
  readonly created_at: Date;
  readonly tries: number;
  readonly last_error: string | null;
}

/** Rows of `powercrud.notification` that are to be sent. */
export function createPostgresOutbox({ session }: { readonly session: SqlSession }): Outbox {
  return {
    take: async ({ at, until, limit }) =>
      (await session.query<Row>(TAKE_DUE, [at, until, limit])).map(toOutboxRow),
    async conclude({ id, tries }, result) {
      await session.query(CONCLUDE_TRY, [id, tries, ...resultValues(result)]);
    },
    async nextDue() {
      const [row] = await session.query<{ due_at: Date | null }>(NEXT_DUE);
      return row?.due_at ?? undefined;
    },
    async listDead({ launchedBy, ...window }) {
      const values = [...deadValues(launchedBy === undefined ? {} : { launchedBy }), ...windowValues(window)];
      const rows = await session.query<Row>(listDead(window.isBackward), values);
      return inListOrder(rows, window.isBackward).map(toOutboxRow);
    },
    async countDead(query) {
      const [row] = await session.query<{ count: number }>(COUNT_DEAD, deadValues(query));
      return row?.count ?? 0;
    },
    async revive({ ids, at, ...query }) {
      const values = [...deadValues(query), ids?.filter(isUuid) ?? null, at];
      return (await session.query<{ id: string }>(REVIVE, values)).map(({ id }) => id);
    },
  };
}

function deadValues({ launchedBy }: DeadQuery): readonly unknown[] {
  return [launchedBy !== undefined, launchedBy ?? null];
}

/** Status, due at, sent at, error. */
function resultValues(result: TryResult): readonly unknown[] {
  switch (result.kind) {
    case "SENT":
      return ["SENT", null, result.at, null];
    case "POSTPONED":
      return ["PENDING", result.until, null, result.error];
    case "DEAD":
      return ["DEAD", null, null, result.error];
  }
}

function toOutboxRow(row: Row): OutboxRow {
  const { task_id: taskId, created_at: createdAt, last_error: lastError, ...rest } = row;
  return { ...rest, taskId, createdAt, lastError };
}
