import { isUuid } from "../../../kernel/ids.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { EventLog } from "../../../core/events/event-log.ts";
import type { LifecycleEvent, LifecycleEventType } from "../../../core/events/task-event.ts";
import type { Progress } from "../../../core/tasks/progress.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import { APPEND_EVENT, READ_HEAD, REPLAY_EVENTS } from "../sql/events.ts";

interface EventRow {
  /** The driver returns bigint as text. */
  readonly position: string;
  readonly task_id: string;
  readonly sequence: number;
  readonly type: LifecycleEventType;
  readonly at: Date;
  readonly progress: Progress;
  readonly message: string | null;
}

/**
 * Events as rows of `powercrud.event`, numbered in the order of their commits by a deferred trigger.
 * @param options.session for reading
 */
export function createPostgresEventLog(options: { readonly session: SqlSession }): EventLog {
  return {
    async append(transaction, event) {
      await requiredSession(transaction).query(APPEND_EVENT, [
        event.taskId,
        event.type,
        event.at,
        JSON.stringify(event.progress),
        event.message,
      ]);
    },
    async replay({ after, taskIds, limit }) {
      const rows = await options.session.query<EventRow>(REPLAY_EVENTS, [
        after,
        taskIds?.filter(isUuid) ?? null,
        limit,
      ]);
      return rows.map(toEvent);
    },
    async head() {
      const [row] = await options.session.query<Pick<EventRow, "position">>(READ_HEAD, [], "FREQUENT");
      return Number(row?.position ?? 0);
    },
  };
}

function toEvent(row: EventRow): LifecycleEvent {
  const { task_id: taskId, position, ...rest } = row;
  return { ...rest, taskId, position: Number(position) };
}
