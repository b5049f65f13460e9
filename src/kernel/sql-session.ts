/**
 * A connection, pooled or inside a transaction. Structural, so that a pool, a client and a Prisma transaction all fit.
 */
export interface SqlSession {
  /**
   * Runs one statement.
   * @param text SQL with `$1`-style parameters
   * @param values one per parameter: text, numbers, booleans, dates, null, or arrays of these
   * @param use that of a statement which is sent over and over, and which takes long to plan. A pool whose statements are
   *   transactions of their own prepares it under a name. Default: it is planned each time
   * @returns the rows, in order
   */
  query<Row>(text: string, values?: readonly unknown[], use?: "FREQUENT"): Promise<Row[]>;
}

/** Quotes a name for SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
