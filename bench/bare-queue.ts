import { createPostgresBackend, createRedisBackend, withBackend } from "bullmq";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { BenchStores } from "./bench-stores.ts";

const SAMPLES = 300;
const NAME = "bench";

/** From an add to bare BullMQ to its worker's processor called, in ms, one at a time. */
export async function bareQueue(stores: BenchStores, backend: BackendName): Promise<number[]> {
  const { queue, startWorker } = backend === "redis" ? onRedis(stores) : onPostgres(stores);
  let taken: () => void = () => undefined;
  const worker = startWorker(() => {
    taken();
    return Promise.resolve();
  });
  await worker.waitUntilReady();
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const isTaken = new Promise<void>((resolve) => (taken = resolve));
    const start = performance.now();
    await Promise.all([queue.add(NAME, {}), isTaken.then(() => samples.push(performance.now() - start))]);
  }
  await worker.close();
  await queue.close();
  return samples;
}

/** The part of BullMQ that is measured. */
interface BareQueue {
  readonly queue: { add(name: string, data: object): Promise<unknown>; close(): Promise<void> };
  startWorker(work: () => Promise<void>): { waitUntilReady(): Promise<unknown>; close(): Promise<void> };
}

function onRedis({ redisUrl }: BenchStores): BareQueue {
  const { Queue, Worker } = withBackend(createRedisBackend);
  const connection = { url: redisUrl, maxRetriesPerRequest: null };
  return {
    queue: new Queue(NAME, { connection }),
    startWorker: (work) => new Worker(NAME, work, { connection }),
  };
}

function onPostgres(stores: BenchStores): BareQueue {
  const { Queue, Worker } = withBackend(createPostgresBackend);
  const connection = { connectionString: stores.databaseUrl("postgres"), migrate: true };
  return {
    queue: new Queue(NAME, { connection }),
    startWorker: (work) => new Worker(NAME, work, { connection }),
  };
}
