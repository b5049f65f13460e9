import { AppError } from "../../../kernel/app-error.ts";
import { groupCalls } from "../../../kernel/group-calls.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";

/** Sends notifications in batches, one after the other, so that every listener receives them in order. */
export interface PgNotifier {
  /** Resolves once the notification is committed. */
  notify(channel: string, payload: string): Promise<void>;
}

/** $1 channels, $2 payloads: one transaction for a batch, notified in order. */
const NOTIFY =
  "SELECT pg_notify(n.channel, n.payload) FROM unnest($1::text[], $2::text[]) AS n(channel, payload)";

/** The most notifications of one statement. PostgreSQL commits transactions with notifications one at a time. */
const MAX_BATCH = 100;
/** If more notifications wait, the database does not keep up, and new ones are refused. */
const MAX_WAITING = 10_000;

/** @param session over a pool: within a transaction, notifications would not be sent before its end */
export function createPgNotifier(session: SqlSession): PgNotifier {
  const send = groupCalls<{ readonly channel: string; readonly payload: string }, void>({
    maxItems: MAX_BATCH,
    async run(batch) {
      const values = [batch.map(({ channel }) => channel), batch.map(({ payload }) => payload)];
      await session.query(NOTIFY, values, "FREQUENT");
      return [];
    },
  });
  return {
    async notify(channel, payload) {
      if (send.waiting >= MAX_WAITING) {
        throw new AppError("UNAVAILABLE", "The database does not keep up with the notifications.");
      }
      await send({ channel, payload });
    },
  };
}
