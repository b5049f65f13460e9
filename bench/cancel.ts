import { setTimeout as delay } from "node:timers/promises";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { bareBus } from "./bare-bus.ts";
import { timeBareUpdate } from "./bare-update.ts";
import type { BenchDeployment, BenchEvent } from "./bench-deployment.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import type { BenchTools } from "./bench-tools.ts";
import { launchBulkUpdate } from "./bulk-launch.ts";
import type { Measure } from "./measure.ts";
import { inQuantiles } from "./statistics.ts";
import { readWallClock } from "./wall-clock.ts";

const CANCELS = 100;
/** A random delay, so that requests arrive at any moment of a chunk, not only directly after an event. */
const MAX_DELAY_MS = 100;
/** The service's default chunk size. */
const CHUNK_RECORDS = 5000;
const BARE_CHUNKS = 50;

const CANCEL = /* GraphQL */ `
  mutation ($id: ID!) {
    cancelTask(id: $id) {
      __typename
    }
  }
`;

/** Commit times as PostgreSQL records them. Chunks under way are finished before the task stops. */
const LAST_CHUNK_AT = `SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float8 * 1000 AS at
  FROM powercrud.chunk WHERE task_id = $1 AND status = 'DONE'`;

/** The time of a cancel in ms, and the part of it that was spent on chunks under way when it was sent. */
interface Cancel {
  readonly totalMs: number;
  readonly chunksMs: number;
}

/** Measures from sending `cancelTask` to receiving CANCEL, for bulk updates of 100,000 records in another process. */
export async function measureCancel(
  { stores, ids }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const deployment = await startBenchDeployment(stores, { backend, roles: ["serve", "work"] });
  try {
    const events = deployment.events()[Symbol.asyncIterator]();
    const selection = { where: { id: { lte: ids.at(-1) } } };
    const samples: Cancel[] = [];
    for (let round = 0; samples.length < CANCELS; round += 1) {
      if (round === 2 * CANCELS) {
        throw new Error("most tasks end before they are cancelled");
      }
      await deployment.pool.query("VACUUM city");
      const cancel = await timeCancel(deployment, events, selection, `cancel ${round}`);
      samples.push(...(cancel === undefined ? [] : [cancel]));
    }
    const bareChunks: number[] = [];
    for (let round = 0; round < BARE_CHUNKS; round += 1) {
      bareChunks.push(await timeBareUpdate(deployment.pool, ids.slice(0, CHUNK_RECORDS), CHUNK_RECORDS));
    }
    const bus = inQuantiles(await bareBus(stores, backend, deployment.pool));
    return [
      {
        name: `cancelTask sent to CANCEL received (${samples.length})`,
        value: inQuantiles(samples.map(({ totalMs }) => totalMs)),
        floor: `bus ${bus}`,
        target: "p99 < 250 ms",
      },
      {
        name: "of that until the last chunk is committed",
        value: inQuantiles(samples.map(({ chunksMs }) => chunksMs)),
        floor: `UPDATE of ${CHUNK_RECORDS} rows ${inQuantiles(bareChunks)}`,
        target: "-",
      },
      {
        name: "and from there to CANCEL received",
        value: inQuantiles(samples.map(({ totalMs, chunksMs }) => totalMs - chunksMs)),
        floor: `bus ${bus}`,
        target: "-",
      },
    ];
  } finally {
    await deployment.stop();
  }
}

/** @returns undefined if the task was done before it was cancelled */
async function timeCancel(
  deployment: BenchDeployment,
  events: AsyncIterator<BenchEvent>,
  selection: object,
  label: string,
): Promise<Cancel | undefined> {
  const next = async (): Promise<BenchEvent> => {
    for (;;) {
      const step = await events.next();
      if (step.done === true) {
        throw new Error(`${label}: the subscription ended before the task`);
      }
      if (step.value.task.label === label) {
        return step.value;
      }
    }
  };
  const launching = launchBulkUpdate(deployment, selection, label);
  let event = await next();
  while (event.type !== "PROGRESS" && event.type !== "CLEANUP") {
    event = await next();
  }
  const id = await launching;
  await delay(Math.random() * MAX_DELAY_MS);
  const clock = readWallClock();
  const sentAt = clock();
  const cancelling = deployment.request(CANCEL, { id });
  let cancelledAt: number | undefined;
  while (event.type !== "CLEANUP") {
    event = await next();
    cancelledAt ??= event.type === "CANCEL" ? clock() : undefined;
  }
  await cancelling;
  if (cancelledAt === undefined) {
    return undefined;
  }
  const { rows } = await deployment.pool.query<{ at: number }>(LAST_CHUNK_AT, [id]);
  return {
    totalMs: cancelledAt - sentAt,
    chunksMs: Math.max(0, (rows[0]?.at ?? Number.NaN) - sentAt),
  };
}
