import { Redis } from "ioredis";
import type pg from "pg";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { BenchStores } from "./bench-stores.ts";

const SAMPLES = 300;
const CHANNEL = "bench";

/** Round trips of one message over the bare bus of the backend, in ms: LISTEN/NOTIFY, or Redis' publish and subscribe. */
export function bareBus(stores: BenchStores, backend: BackendName, pool: pg.Pool): Promise<number[]> {
  return backend === "redis" ? publishAndHear(stores.redisUrl) : notifyAndHear(pool);
}

async function notifyAndHear(pool: pg.Pool): Promise<number[]> {
  const client = await pool.connect();
  await client.query(`LISTEN ${CHANNEL}`);
  const samples = await roundTrips(
    (heard) => void client.once("notification", heard),
    () => pool.query("SELECT pg_notify($1, 'x')", [CHANNEL]),
  );
  await client.query(`UNLISTEN ${CHANNEL}`);
  client.release();
  return samples;
}

async function publishAndHear(url: string): Promise<number[]> {
  const [publisher, subscriber] = [new Redis(url), new Redis(url)];
  await subscriber.subscribe(CHANNEL);
  const samples = await roundTrips(
    (heard) => void subscriber.once("message", heard),
    () => publisher.publish(CHANNEL, "x"),
  );
  publisher.disconnect();
  subscriber.disconnect();
  return samples;
}

async function roundTrips(
  listen: (heard: () => void) => void,
  send: () => Promise<unknown>,
): Promise<number[]> {
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const heard = new Promise<void>((resolve) => listen(resolve));
    const start = performance.now();
    await Promise.all([send(), heard]);
    samples.push(performance.now() - start);
  }
  return samples;
}
