/**
 * A connection, pooled or inside a transaction. Structural, so that a pool, a client and a Prisma transaction all fit.
 */
export interface SqlSession {
  /**
   * Runs one statement.
   * @param text SQL with `$1`-style parameters
   * @param values one per parameter: text, numbers, booleans, dates, null, or arrays of these
   * @returns the rows, in order
   */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** Quotes a name for SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
