import { randomUUID } from "node:crypto";
import type pg from "pg";

const CREATE_TABLE =
  "CREATE TABLE IF NOT EXISTS bench_lock (model text, id text, owner uuid NOT NULL, PRIMARY KEY (model, id))";
const INSERT = `INSERT INTO bench_lock SELECT 'City', id, $2 FROM unnest($1::text[]) AS id
  ON CONFLICT DO NOTHING`;

/** The times to take and to release the locks, in ms. */
export interface LockTimes {
  readonly takeMs: number;
  readonly dropMs: number;
}

/** Takes and releases locks without any rules: as rows of a table with a primary key. */
export async function timeBareLocks(
  { pool }: { readonly pool: pg.Pool },
  ids: readonly string[],
): Promise<LockTimes> {
  await pool.query(CREATE_TABLE);
  await pool.query("TRUNCATE bench_lock");
  const owner = randomUUID();
  const start = performance.now();
  await pool.query(INSERT, [ids, owner]);
  const taken = performance.now();
  await pool.query("DELETE FROM bench_lock WHERE owner = $1", [owner]);
  return { takeMs: taken - start, dropMs: performance.now() - taken };
}
