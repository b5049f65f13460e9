import { AppError } from "../../../kernel/app-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";

/** Sends notifications in batches, one after the other, so that every listener receives them in order. */
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

/** The most notifications of one statement. PostgreSQL commits transactions with notifications one at a time. */
const MAX_BATCH = 100;
/** If more notifications wait, the database does not keep up, and new ones are refused. */
const MAX_WAITING = 10_000;

/** @param session over a pool: within a transaction, notifications would not be sent before its end */
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
