import { AppError } from "../../../kernel/app-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";

/** Sends notifications one batch after the other, so that their order is kept on every connection. */
export interface PgNotifier {
  /** Resolves once the notification is committed. */
  notify(channel: string, payload: string): Promise<void>;
}

interface Waiting {
  readonly channel: string;
  readonly payload: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** $1 channels, $2 payloads: one transaction for a batch, notified in order. */
const NOTIFY =
  "SELECT pg_notify(n.channel, n.payload) FROM unnest($1::text[], $2::text[]) AS n(channel, payload)";

/** The most notifications of one statement: its transaction holds PostgreSQL's one lock of notifications while it commits. */
const MAX_BATCH = 100;
/** With more notifications waiting, the database does not keep up, and new ones are refused. */
const MAX_WAITING = 10_000;

/** @param session over a pool: a notification inside a transaction would wait for its end */
export function createPgNotifier(session: SqlSession): PgNotifier {
  const waiting: Waiting[] = [];
  let isSending = false;
  const send = async (): Promise<void> => {
    isSending = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MAX_BATCH);
      try {
        await session.query(NOTIFY, [
          batch.map(({ channel }) => channel),
          batch.map(({ payload }) => payload),
        ]);
        batch.forEach(({ resolve }) => resolve());
      } catch (error) {
        batch.forEach(({ reject }) => reject(error));
      }
    }
    isSending = false;
  };
  return {
    notify: (channel, payload) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= MAX_WAITING) {
          reject(new AppError("UNAVAILABLE", "The database does not keep up with the notifications."));
          return;
        }
        waiting.push({ channel, payload, resolve, reject });
        if (!isSending) {
          void send();
        }
      }),
  };
}
