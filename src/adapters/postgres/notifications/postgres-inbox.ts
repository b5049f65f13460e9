import { isUuid } from "../../../kernel/ids.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { Inbox, InboxRow } from "../../../core/notifications/inbox.ts";
import { inListOrder, windowValues } from "../sql/list-window.ts";
import { COUNT_INBOX, INBOX_SINCE, MARK_ALL_READ, MARK_READ, listInbox } from "../sql/notifications.ts";

interface Row {
  readonly id: string;
  readonly task_id: string;
  readonly viewer_id: string;
  readonly created_at: Date;
  readonly read_at: Date | null;
}

/** Rows of `powercrud.notification` that viewers read in the app. */
export function createPostgresInbox({ session }: { readonly session: SqlSession }): Inbox {
  return {
    async list({ viewerId, isUnread = false, ...window }) {
      const values = [viewerId, isUnread, ...windowValues(window)];
      const rows = await session.query<Row>(listInbox(window.isBackward), values);
      return inListOrder(rows, window.isBackward).map(toInboxRow);
    },
    async count({ viewerId, isUnread = false }) {
      const [row] = await session.query<{ count: number }>(COUNT_INBOX, [viewerId, isUnread]);
      return row?.count ?? 0;
    },
    since: async ({ viewerIds, since, limit }) =>
      (await session.query<Row>(INBOX_SINCE, [viewerIds, leastIdAt(since), limit])).map(toInboxRow),
    async markRead({ viewerId, id, at }) {
      const [row] = isUuid(id) ? await session.query<Row>(MARK_READ, [viewerId, id, at]) : [];
      return row === undefined ? undefined : toInboxRow(row);
    },
    async markAllRead({ viewerId, at }) {
      const [row] = await session.query<{ count: number }>(MARK_ALL_READ, [viewerId, at]);
      return row?.count ?? 0;
    },
  };
}

/** No id that was made at that time, or later, sorts before it. */
function leastIdAt(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

function toInboxRow(row: Row): InboxRow {
  const { task_id: taskId, viewer_id: viewerId, created_at: createdAt, read_at: readAt, id } = row;
  return { id, taskId, viewerId, createdAt, readAt };
}
