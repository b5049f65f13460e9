import { randomUUID } from "node:crypto";
import type { Claim } from "../src/core/locks/claim.ts";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { BenchBackend } from "./bench-backend.ts";
import { countRoundTrips, openBenchBackend } from "./bench-backend.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { inMedian, median } from "./statistics.ts";

const ROUNDS = 9;
const COUNTS = [10_000, 100_000];

/** As the design's floor: one hash, 5,000 fields a call. */
const BARE_CALL = 5000;
const BARE_TAKE = `
for at = 2, #ARGV do
  if redis.call('HSETNX', KEYS[1], ARGV[at], ARGV[1]) == 0 then return ARGV[at] end
end`;
const BARE_DROP = "for at = 2, #ARGV do redis.call('HDEL', KEYS[1], ARGV[at]) end";
const BARE_TABLE =
  "CREATE TABLE IF NOT EXISTS bench_lock (model text, id text, owner uuid NOT NULL, PRIMARY KEY (model, id))";
const BARE_INSERT = `INSERT INTO bench_lock SELECT 'City', id, $2 FROM unnest($1::text[]) AS id
  ON CONFLICT DO NOTHING`;

/** How long it took to take the locks, and to let go of them, in ms. */
interface Times {
  readonly takeMs: number;
  readonly dropMs: number;
}

/** Acquiring and releasing through the port, each in a transaction from BEGIN to COMMIT, beside the bare stores. */
export async function measureLocks(
  { stores, ids }: BenchTools,
  name: BackendName,
): Promise<readonly Measure[]> {
  const backend = await openBenchBackend(stores, name);
  try {
    const measures: Measure[] = [];
    for (const count of COUNTS) {
      measures.push(...(await measureCount(backend, ids.slice(0, count).map(String))));
    }
    return measures;
  } finally {
    await backend.close();
  }
}

async function measureCount(backend: BenchBackend, ids: readonly string[]): Promise<readonly Measure[]> {
  const claims: readonly Claim[] = [{ model: "City", ids }];
  const here: Times[] = [];
  const floor: Times[] = [];
  await takeAndDrop(backend, claims);
  await bareTakeAndDrop(backend, ids);
  for (let round = 0; round < ROUNDS; round += 1) {
    here.push(await takeAndDrop(backend, claims));
    floor.push(await bareTakeAndDrop(backend, ids));
  }
  const owner = randomUUID();
  const { locks, unitOfWork } = backend;
  const trips = await countRoundTrips(backend, unitOfWork, (transaction) =>
    locks.acquire(transaction, owner, claims),
  );
  await unitOfWork.run((transaction) => locks.release(transaction, owner));
  const isTargeted = backend.name === "redis" && ids.length === 10_000;
  const line = (deed: string, timeOf: (times: Times) => number, target: string): Measure => {
    const [ours, bare] = [here.map(timeOf), floor.map(timeOf)];
    return {
      name: `${deed} ${ids.length.toLocaleString("en-US")} locks`,
      value: inMedian(ours),
      floor: inMedian(bare),
      ratio: median(ours) / median(bare),
      target,
    };
  };
  return [
    line(`acquire (${trips})`, ({ takeMs }) => takeMs, isTargeted ? "< 50 ms" : "-"),
    line("release", ({ dropMs }) => dropMs, "-"),
  ];
}

async function takeAndDrop({ unitOfWork, locks }: BenchBackend, claims: readonly Claim[]): Promise<Times> {
  const owner = randomUUID();
  const start = performance.now();
  const { isGranted } = await unitOfWork.run((transaction) => locks.acquire(transaction, owner, claims));
  const taken = performance.now();
  if (!isGranted) {
    throw new Error("somebody else holds locks");
  }
  await unitOfWork.run((transaction) => locks.release(transaction, owner));
  return { takeMs: taken - start, dropMs: performance.now() - taken };
}

async function bareTakeAndDrop(backend: BenchBackend, ids: readonly string[]): Promise<Times> {
  const { take, drop } = backend.name === "redis" ? bareRedis(backend) : await barePostgres(backend);
  const start = performance.now();
  await take(ids);
  const taken = performance.now();
  await drop(ids);
  return { takeMs: taken - start, dropMs: performance.now() - taken };
}

/** Takes and lets go of locks without any of the rules. */
interface BareLocks {
  take(ids: readonly string[]): Promise<void>;
  drop(ids: readonly string[]): Promise<void>;
}

function bareRedis({ redis }: BenchBackend): BareLocks {
  const inCalls = async (script: string, ids: readonly string[]): Promise<void> => {
    for (let at = 0; at < ids.length; at += BARE_CALL) {
      await redis.eval(script, 1, "bench:locks", randomUUID(), ...ids.slice(at, at + BARE_CALL));
    }
  };
  return { take: (ids) => inCalls(BARE_TAKE, ids), drop: (ids) => inCalls(BARE_DROP, ids) };
}

async function barePostgres({ pool }: BenchBackend): Promise<BareLocks> {
  await pool.query(BARE_TABLE);
  await pool.query("TRUNCATE bench_lock");
  const owner = randomUUID();
  return {
    take: async (ids) => void (await pool.query(BARE_INSERT, [ids, owner])),
    drop: async () => void (await pool.query("DELETE FROM bench_lock WHERE owner = $1", [owner])),
  };
}
