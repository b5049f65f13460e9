import { AppError } from "../../kernel/app-error.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";

/** The present moment by the server's clock, not that of the transaction's begin. */
export async function readServerTime(session: SqlSession): Promise<Date> {
  const [row] = await session.query<{ at: Date }>("SELECT clock_timestamp() AS at");
  if (row === undefined) {
    throw new AppError("INTERNAL", "the database does not tell the time");
  }
  return row.at;
}
