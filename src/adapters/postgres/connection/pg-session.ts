import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { StatementNames } from "./text-rows.ts";
import { isStaleName } from "./text-rows.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";

/** The part of pg's pool or client that a session needs. */
interface Queryable {
  query(
    statement: string | { readonly name: string; readonly text: string; readonly values: unknown[] },
    values?: unknown[],
  ): Promise<{ rows: unknown[] }>;
}

/**
 * A session over one client, or over a pool, where each statement is its own transaction. Lost connections become AppError
 * UNAVAILABLE.
 * @param names for frequent statements over a pool. Default: none is prepared, since planning them is cheap, and within a
 *   transaction none can be sent again without its name, as it must be behind some connection poolers
 */
export function createPgSession(queryable: Queryable, names?: StatementNames): SqlSession {
  const send = async <Row>(text: string, values: readonly unknown[], name?: string): Promise<Row[]> => {
    const given = [...values];
    const { rows } = await (name === undefined
      ? queryable.query(text, given)
      : queryable.query({ name, text, values: given }));
    return rows as Row[];
  };
  return {
    async query<Row>(text: string, values: readonly unknown[] = [], use?: "FREQUENT"): Promise<Row[]> {
      const name = use === undefined ? undefined : names?.of(text);
      try {
        return await send<Row>(text, values, name);
      } catch (error) {
        if (name === undefined || !isStaleName(error)) {
          throw toUnavailableError(error);
        }
        names?.forget(text);
        return send<Row>(text, values).catch((again: unknown) => Promise.reject(toUnavailableError(again)));
      }
    },
  };
}

/** Turns lost connections of a session into AppError UNAVAILABLE, which sessions of other adapters do not do. */
export function translatedSession(session: SqlSession): SqlSession {
  return {
    async query(text, values, use) {
      try {
        return await session.query(text, values, use);
      } catch (error) {
        throw toUnavailableError(error);
      }
    },
  };
}
