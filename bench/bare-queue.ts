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

/** What a queue does in a second. */
export interface BareRates {
  /** Jobs added, each by a call of its own, all at once. */
  readonly added: number;
  /** Jobs taken, done and removed by one worker. */
  readonly processed: number;
}

/** Jobs that do nothing, on bare BullMQ. @param slots how many jobs the worker does at a time */
export async function bareQueueRates(
  stores: BenchStores,
  backend: BackendName,
  count: number,
  slots: number,
): Promise<BareRates> {
  const { queue, startWorker } = backend === "redis" ? onRedis(stores) : onPostgres(stores);
  const options = { removeOnComplete: true };
  // Connects, and makes its tables.
  await queue.add(NAME, {}, options);
  const addStart = performance.now();
  await Promise.all(Array.from({ length: count }, () => queue.add(NAME, {}, options)));
  const addMs = performance.now() - addStart;
  let done = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const start = performance.now();
  const worker = startWorker(() => {
    done += 1;
    if (done > count) {
      end();
    }
    return Promise.resolve();
  }, slots);
  await ended;
  const ms = performance.now() - start;
  await worker.close();
  await queue.close();
  return { added: Math.round((count * 1000) / addMs), processed: Math.round((count * 1000) / ms) };
}

/** The part of BullMQ that is measured. */
interface BareQueue {
  readonly queue: {
    add(name: string, data: object, options?: { readonly removeOnComplete: boolean }): Promise<unknown>;
    close(): Promise<void>;
  };
  startWorker(
    work: () => Promise<void>,
    concurrency?: number,
  ): { waitUntilReady(): Promise<unknown>; close(): Promise<void> };
}

function onRedis({ redisUrl }: BenchStores): BareQueue {
  const { Queue, Worker } = withBackend(createRedisBackend);
  const connection = { url: redisUrl, maxRetriesPerRequest: null };
  return {
    queue: new Queue(NAME, { connection }),
    startWorker: (work, concurrency = 1) => new Worker(NAME, work, { connection, concurrency }),
  };
}

function onPostgres(stores: BenchStores): BareQueue {
  const { Queue, Worker } = withBackend(createPostgresBackend);
  const connection = { connectionString: stores.databaseUrl("postgres"), migrate: true };
  return {
    queue: new Queue(NAME, { connection }),
    startWorker: (work, concurrency = 1) => new Worker(NAME, work, { connection, concurrency }),
  };
}
