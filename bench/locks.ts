import { randomUUID } from "node:crypto";
import type { Claim } from "../src/core/locks/claim.ts";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { LockTimes } from "./bare-locks.ts";
import { timeBareLocks } from "./bare-locks.ts";
import type { BenchBackend } from "./bench-backend.ts";
import { countRoundTrips, openBenchBackend } from "./bench-backend.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { inMedian, median } from "./statistics.ts";

const ROUNDS = 9;
const COUNTS = [10_000, 100_000];
/** A record of somebody else's: Redis lets go of a model's records as one only where nobody else has any. */
const NEIGHBOUR: readonly Claim[] = [{ model: "City", ids: ["neighbour"] }];

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
  const here: LockTimes[] = [];
  const floor: LockTimes[] = [];
  await takeAndDrop(backend, claims);
  await timeBareLocks(backend, backend.name, ids);
  for (let round = 0; round < ROUNDS; round += 1) {
    here.push(await takeAndDrop(backend, claims));
    floor.push(await timeBareLocks(backend, backend.name, ids));
  }
  const { locks, unitOfWork } = backend;
  const neighbour = randomUUID();
  await unitOfWork.run((transaction) => locks.acquire(transaction, neighbour, NEIGHBOUR));
  const beside: LockTimes[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    beside.push(await takeAndDrop(backend, claims));
  }
  await unitOfWork.run((transaction) => locks.release(transaction, neighbour));
  const owner = randomUUID();
  const trips = await countRoundTrips(backend, unitOfWork, (transaction) =>
    locks.acquire(transaction, owner, claims),
  );
  await unitOfWork.run((transaction) => locks.release(transaction, owner));
  const isTargeted = backend.name === "redis" && ids.length === 10_000;
  const line = (
    deed: string,
    timeOf: (times: LockTimes) => number,
    target: string,
    rounds: readonly LockTimes[] = here,
  ): Measure => {
    const [ours, bare] = [rounds.map(timeOf), floor.map(timeOf)];
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
    line("release, another task has a record, of", ({ dropMs }) => dropMs, "-", beside),
  ];
}

async function takeAndDrop(
  { unitOfWork, locks }: BenchBackend,
  claims: readonly Claim[],
): Promise<LockTimes> {
  const owner = randomUUID();
  const start = performance.now();
  const { kind } = await unitOfWork.run((transaction) => locks.acquire(transaction, owner, claims));
  const taken = performance.now();
  if (kind !== "GRANTED") {
    throw new Error("somebody else holds locks");
  }
  await unitOfWork.run((transaction) => locks.release(transaction, owner));
  return { takeMs: taken - start, dropMs: performance.now() - taken };
}
