import { randomUUID } from "node:crypto";
import type { Claim } from "../src/core/locks/claim.ts";
import type { LockTimes } from "./bare-locks.ts";
import { timeBareLocks } from "./bare-locks.ts";
import type { LockBench } from "./lock-bench.ts";
import { countStatements, openLockBench } from "./lock-bench.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { inMedian, median } from "./statistics.ts";

const ROUNDS = 9;
const COUNTS = [10_000, 100_000];

/** Measures acquiring and releasing locks through the port, each in a transaction from BEGIN to COMMIT, and a bare table. */
export async function measureLocks({ stores, ids }: BenchTools): Promise<readonly Measure[]> {
  const bench = openLockBench(stores);
  try {
    const measures: Measure[] = [];
    for (const count of COUNTS) {
      measures.push(...(await measureCount(bench, ids.slice(0, count).map(String))));
    }
    return measures;
  } finally {
    await bench.close();
  }
}

async function measureCount(bench: LockBench, ids: readonly string[]): Promise<readonly Measure[]> {
  const claims: readonly Claim[] = [{ model: "City", ids }];
  const here: LockTimes[] = [];
  const floor: LockTimes[] = [];
  await takeAndDrop(bench, claims);
  await timeBareLocks(bench, ids);
  for (let round = 0; round < ROUNDS; round += 1) {
    here.push(await takeAndDrop(bench, claims));
    floor.push(await timeBareLocks(bench, ids));
  }
  const { locks, unitOfWork } = bench;
  const owner = randomUUID();
  const statements = await countStatements(unitOfWork, (transaction) =>
    locks.acquire(transaction, owner, claims),
  );
  await unitOfWork.run((transaction) => locks.release(transaction, owner));
  const line = (what: string, timeOf: (times: LockTimes) => number, target: string): Measure => {
    const [ours, bare] = [here.map(timeOf), floor.map(timeOf)];
    return {
      name: `${what} ${ids.length.toLocaleString("en-US")} locks`,
      value: inMedian(ours),
      floor: inMedian(bare),
      ratio: median(ours) / median(bare),
      target,
    };
  };
  return [
    line(`acquire (${statements} SQL)`, ({ takeMs }) => takeMs, ids.length === 10_000 ? "< 50 ms" : "-"),
    line("release", ({ dropMs }) => dropMs, "-"),
  ];
}

async function takeAndDrop({ unitOfWork, locks }: LockBench, claims: readonly Claim[]): Promise<LockTimes> {
  const owner = randomUUID();
  const start = performance.now();
  const { kind } = await unitOfWork.run((transaction) => locks.acquire(transaction, owner, claims));
  const taken = performance.now();
  if (kind !== "GRANTED") {
    throw new Error("another task holds locks");
  }
  await unitOfWork.run((transaction) => locks.release(transaction, owner));
  return { takeMs: taken - start, dropMs: performance.now() - taken };
}
