import { withDeadline } from "./deadline.ts";

interface Waiting {
  /** Default: 1. */
  readonly count?: number;
  /** What they wait for, as pg_stat_activity names it; a row is waited for by its writer's transaction. Default: any. */
  readonly kind?: "transactionid" | "advisory" | "relation";
}

/** Resolves once at least so many connections to the database wait for a lock. It asks PostgreSQL and guesses no time. */
export function untilWaiting(
  session: { query(text: string, values?: readonly unknown[]): Promise<readonly unknown[]> },
  { count = 1, kind }: Waiting = {},
): Promise<void> {
  const look = async (): Promise<void> => {
    // Asks again at once: each look is a round trip.
    while ((await session.query(WAITING, [kind ?? null])).length < count);
  };
  return withDeadline(look(), 15_000, `waiting of ${count} connections for a lock (${kind ?? "any"})`);
}

const WAITING = `
  SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = coalesce($1::text, wait_event)`;
