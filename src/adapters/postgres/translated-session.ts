import type { SqlSession } from "../../kernel/sql-session.ts";
import { toUnavailableError } from "../../kernel/unavailable-error.ts";

/** The same session with this service's errors: sessions of other adapters do not know them. */
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
