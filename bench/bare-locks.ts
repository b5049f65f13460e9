import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type pg from "pg";
import type { BackendName } from "../src/core/processes/process-register.ts";

/** As the design's floor: one hash, 5,000 fields a call. */
const FIELDS_PER_CALL = 5000;
const TAKE = `
for at = 2, #ARGV do
  if redis.call('HSETNX', KEYS[1], ARGV[at], ARGV[1]) == 0 then return ARGV[at] end
end`;
const DROP = "for at = 2, #ARGV do redis.call('HDEL', KEYS[1], ARGV[at]) end";
const CREATE_TABLE =
  "CREATE TABLE IF NOT EXISTS bench_lock (model text, id text, owner uuid NOT NULL, PRIMARY KEY (model, id))";
const INSERT = `INSERT INTO bench_lock SELECT 'City', id, $2 FROM unnest($1::text[]) AS id
  ON CONFLICT DO NOTHING`;

/** Takes and lets go of locks without any of the rules. */
interface BareLocks {
  take(ids: readonly string[]): Promise<void>;
  drop(ids: readonly string[]): Promise<void>;
}

/** What holds the locks. */
export interface BareLockStores {
  readonly pool: pg.Pool;
  readonly redis: Redis;
}

/** How long it took to take the locks, and to let go of them, in ms. */
export interface LockTimes {
  readonly takeMs: number;
  readonly dropMs: number;
}

/** Takes and drops the locks in the bare store: rows of a table with a primary key, or fields of one hash. */
export async function timeBareLocks(
  stores: BareLockStores,
  backend: BackendName,
  ids: readonly string[],
): Promise<LockTimes> {
  const { take, drop } = backend === "redis" ? bareRedis(stores) : await barePostgres(stores);
  const start = performance.now();
  await take(ids);
  const taken = performance.now();
  await drop(ids);
  return { takeMs: taken - start, dropMs: performance.now() - taken };
}

function bareRedis({ redis }: BareLockStores): BareLocks {
  const inCalls = async (script: string, ids: readonly string[]): Promise<void> => {
    for (let at = 0; at < ids.length; at += FIELDS_PER_CALL) {
      const fields = ids.slice(at, at + FIELDS_PER_CALL);
      await redis.eval(script, 1, "bench:locks", randomUUID(), ...fields);
    }
  };
  return { take: (ids) => inCalls(TAKE, ids), drop: (ids) => inCalls(DROP, ids) };
}

async function barePostgres({ pool }: BareLockStores): Promise<BareLocks> {
  await pool.query(CREATE_TABLE);
  await pool.query("TRUNCATE bench_lock");
  const owner = randomUUID();
  return {
    take: async (ids) => void (await pool.query(INSERT, [ids, owner])),
    drop: async () => void (await pool.query("DELETE FROM bench_lock WHERE owner = $1", [owner])),
  };
}
