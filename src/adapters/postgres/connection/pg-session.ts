import type { SqlSession } from "../../../kernel/sql-session.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";

/** The part of pg's pool or client that a session needs. */
interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * A session over a pool, where each statement is a transaction of its own, or over one client. Statements are not
 * named: planning ours takes less than the risk of a pooler that does not know their names.
 * Lost connections become AppError UNAVAILABLE.
 */
export function createPgSession(queryable: Queryable): SqlSession {
  return {
    async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      try {
        const { rows } = await queryable.query(text, [...values]);
        return rows as Row[];
      } catch (error) {
        throw toUnavailableError(error);
      }
    },
  };
}

/** The same session, whose lost connections become AppError UNAVAILABLE: sessions of other adapters do not do that. */
export function translatedSession(session: SqlSession): SqlSession {
  return {
    async query(text, values) {
      try {
        return await session.query(text, values);
      } catch (error) {
        throw toUnavailableError(error);
      }
    },
  };
}
