import type { SqlSession } from "../../../kernel/sql-session.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";

/** The part of pg's pool or client that a session needs. */
interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * A session over one client, or over a pool, where each statement is its own transaction. Statements are not prepared
 * under names: planning them is cheap, and some connection poolers do not support names.
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

/** Turns lost connections of a session into AppError UNAVAILABLE, which sessions of other adapters do not do. */
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
