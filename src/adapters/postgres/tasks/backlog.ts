import type { SqlSession } from "../../../kernel/sql-session.ts";
import { COUNT_UNSETTLED } from "../sql/tasks.ts";

/** The unsettled tasks of one kind in one status. */
export interface Backlog {
  readonly kind: string;
  readonly status: string;
  readonly count: number;
  /** Of the oldest of them, in seconds. */
  readonly ageSeconds: number;
}

/**
 * Counts the deployment's unsettled tasks.
 * @param kinds others are counted together, as `other`
 */
export function readBacklog(session: SqlSession, kinds: readonly string[]): Promise<readonly Backlog[]> {
  return session.query<Backlog>(COUNT_UNSETTLED, [kinds]);
}
