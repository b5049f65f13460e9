import type pg from "pg";
import type { EarlierStatement, TextRow } from "./text-query.ts";
import { TextQuery } from "./text-query.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";

/** Reads rows as PostgreSQL sends them. */
export interface TextRows {
  /**
   * Runs one statement.
   * @param text SQL with `$1`-style parameters
   * @param signal of the operation; see ReadConnections
   * @returns the text of each value, null for NULL, in the order of the columns
   */
  read(text: string, values: readonly unknown[], signal?: AbortSignal): Promise<readonly TextRow[]>;
}

/** What gets a connection of a pool, and the function that gives it back. */
export type Connected = (
  error: Error | undefined,
  client: Pick<pg.PoolClient, "query"> | undefined,
  release: (fault?: Error) => void,
) => void;

/** The part of pg's pool that is used. */
interface Connections {
  /** @param signal of the operation; pg's own pool does not heed it */
  connect(callback: Connected, signal?: AbortSignal): void;
}

/** The most statements that are prepared under names; each is kept by every connection. */
const MAX_NAMES = 200;
/** Texts that were seen once, and may be seen again. */
const MAX_SEEN = 2_000;

/**
 * SQLSTATEs for a prepared statement that is not there or is there already, as behind a connection pooler, and for one
 * whose table has changed since.
 */
const STALE_NAMES = new Set(["26000", "42P05", "0A000"]);

/**
 * Reads over a pool. A statement that comes again is prepared under a name, so that it is parsed and planned once per
 * connection. Lost connections become AppError UNAVAILABLE.
 * @param earlier what to send before each statement, in its transaction. Default: nothing
 */
export function createTextRows(pool: Connections, earlier?: () => readonly EarlierStatement[]): TextRows {
  const names = createStatementNames();
  const run = (
    text: string,
    values: readonly unknown[],
    name: string | undefined,
    signal: AbortSignal | undefined,
    before: readonly EarlierStatement[] | undefined,
  ): Promise<readonly TextRow[]> =>
    new Promise((resolve, reject) => {
      pool.connect((lost, client, release) => {
        if (client === undefined) {
          reject(lost ?? new Error("there is no connection"));
          return;
        }
        const answer: TextQuery["callback"] = (error, rows = []) => {
          release(error ?? undefined);
          if (error === null) {
            resolve(rows);
          } else {
            reject(error);
          }
        };
        client.query(new TextQuery(text, values, name, answer, before));
      }, signal);
    });
  return {
    async read(text, values, signal) {
      const before = earlier?.();
      const name = names.of(text);
      try {
        return await run(text, values, name, signal, before);
      } catch (error) {
        if (name !== undefined && isStaleName(error)) {
          names.forget(text);
          return run(text, values, undefined, signal, before).catch((again: unknown) =>
            Promise.reject(toUnavailableError(again)),
          );
        }
        throw toUnavailableError(error);
      }
    },
  };
}

/** Whether a statement was refused for its name, before it did anything. */
export function isStaleName(error: unknown): boolean {
  return STALE_NAMES.has(String((error as { code?: unknown }).code));
}

/** The names under which the statements of a pool are prepared. */
export interface StatementNames {
  /** Undefined for a text that has come once only, and where there are too many names. */
  of(text: string): string | undefined;
  forget(text: string): void;
}

export function createStatementNames(): StatementNames {
  const names = new Map<string, string>();
  const seen = new Set<string>();
  let made = 0;
  return {
    of(text) {
      const known = names.get(text);
      if (known !== undefined || names.size >= MAX_NAMES) {
        return known;
      }
      if (!seen.has(text)) {
        if (seen.size >= MAX_SEEN) {
          seen.clear();
        }
        seen.add(text);
        return undefined;
      }
      seen.delete(text);
      const name = `powercrud_${(made += 1)}`;
      names.set(text, name);
      return name;
    },
    // The name stays taken, since connections may still have it.
    forget: (text) => void names.delete(text),
  };
}
