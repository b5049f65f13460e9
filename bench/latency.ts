import type { BackendName } from "../src/core/processes/process-register.ts";
import { bareBus } from "./bare-bus.ts";
import { bareQueue } from "./bare-queue.ts";
import type { BenchDeployment, BenchEvent } from "./bench-deployment.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import type { BenchTools } from "./bench-tools.ts";
import { launchBulkUpdate } from "./bulk-launch.ts";
import type { Measure } from "./measure.ts";
import { inQuantiles } from "./statistics.ts";
import type { WallClock } from "./wall-clock.ts";
import { readWallClock } from "./wall-clock.ts";

const LAUNCHES = 300;
const BULK_ROUNDS = 10;
/** A small chunk size, for many commits. */
const CHUNK_RECORDS = 1000;

/** The commit time, which PostgreSQL records just before it writes the commit to disk. */
const ACCEPTED_AT = `SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 * 1000 AS at
  FROM powercrud.event WHERE task_id = $1 AND type = 'CREATE'`;
/** The sums are the task's progress when each chunk was committed. */
const CHUNKS_DONE = `
  SELECT at, (sum(count) OVER (ORDER BY at, number))::integer AS processed FROM (
    SELECT number, succeeded + failed + skipped AS count,
           extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 * 1000 AS at
    FROM powercrud.chunk WHERE task_id = $1 AND status = 'DONE'
  ) chunk ORDER BY at`;

/** An event with the time at which it was received. */
interface Received {
  readonly event: BenchEvent;
  readonly at: number;
}

/**
 * Measures from a launch's commit to START, and from a chunk's commit to its PROGRESS, each as a client of an API receives
 * it while another process does the work. Progress messages are not throttled here.
 */
export async function measureLatency(
  { stores, ids }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const deployment = await startBenchDeployment(stores, {
    backend,
    roles: ["serve", "work"],
    env: { POWERCRUD_PROGRESS_INTERVAL_MS: "0", POWERCRUD_CHUNK_RECORDS: String(CHUNK_RECORDS) },
  });
  try {
    const events = deployment.events()[Symbol.asyncIterator]();
    await runTask(deployment, events, { ids: ids.map(String) }, "warm-up");
    const pickUps: number[] = [];
    for (let launch = 0; launch < LAUNCHES; launch += 1) {
      const selection = { ids: [String(ids[launch])] };
      pickUps.push(await pickUpOf(deployment, await runTask(deployment, events, selection, `one ${launch}`)));
    }
    const progress: number[] = [];
    for (let round = 0; round < BULK_ROUNDS; round += 1) {
      await deployment.pool.query("VACUUM city");
      const received = await runTask(deployment, events, { ids: ids.map(String) }, `bulk ${round}`);
      progress.push(...(await progressOf(deployment, received)));
    }
    return [
      {
        name: `launch committed to START received (${pickUps.length})`,
        value: inQuantiles(pickUps),
        floor: `BullMQ ${inQuantiles(await bareQueue(stores, backend))}`,
        target: "-",
      },
      {
        name: `chunk committed to PROGRESS received (${progress.length})`,
        value: inQuantiles(progress),
        floor: `bus ${inQuantiles(await bareBus(stores, backend, deployment.pool))}`,
        target: "< 5 ms, < 50 ms",
      },
    ];
  } finally {
    await deployment.stop();
  }
}

/** Launches a task, and receives all of its events. */
async function runTask(
  deployment: BenchDeployment,
  events: AsyncIterator<BenchEvent>,
  selection: object,
  label: string,
): Promise<readonly Received[]> {
  const clock: WallClock = readWallClock();
  const launching = launchBulkUpdate(deployment, selection, label);
  const received: Received[] = [];
  for (let last = ""; last !== "CLEANUP";) {
    const step = await events.next();
    if (step.done === true) {
      throw new Error(`${label}: the subscription ended before the task`);
    }
    if (step.value.task.label === label) {
      received.push({ event: step.value, at: clock() });
      last = step.value.type;
    }
  }
  await launching;
  return received;
}

async function pickUpOf({ pool }: BenchDeployment, received: readonly Received[]): Promise<number> {
  const started = received.find(({ event }) => event.type === "START");
  const { rows } = await pool.query<{ at: number }>(ACCEPTED_AT, [started?.event.task.id]);
  return (started?.at ?? Number.NaN) - (rows[0]?.at ?? Number.NaN);
}

/** For each received count, the time since the commit of its chunk. */
async function progressOf({ pool }: BenchDeployment, received: readonly Received[]): Promise<number[]> {
  const { rows } = await pool.query<{ at: number; processed: number }>(CHUNKS_DONE, [
    received[0]?.event.task.id,
  ]);
  const commits = new Map(rows.map(({ at, processed }) => [processed, at]));
  return received
    .filter(({ event }) => event.type === "PROGRESS")
    .flatMap(({ event, at }) => {
      const committed = commits.get(event.progress.processed);
      return committed === undefined ? [] : [at - committed];
    });
}
