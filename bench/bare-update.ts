import type pg from "pg";

/** Adds one to each population with bare statements, on a freshly vacuumed table. @returns the time in ms */
export async function timeBareUpdate(
  pool: pg.Pool,
  ids: readonly number[],
  rowsPerStatement: number,
): Promise<number> {
  await pool.query("VACUUM city");
  const start = performance.now();
  for (let at = 0; at < ids.length; at += rowsPerStatement) {
    await pool.query(
      "UPDATE city SET population = population + 1, updated_at = now() WHERE id = ANY ($1::int[])",
      [ids.slice(at, at + rowsPerStatement)],
    );
  }
  return performance.now() - start;
}
