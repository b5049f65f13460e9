import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { Redis } from "ioredis";

import { startRedisServer } from "../support/redis-server.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

/** The Redis of a round, with its faults. */
export interface ChaosRedis {
  readonly url: string;
  /** Empties it. */
  flush(): Promise<void>;
  /** Kills it and starts another one on the same port, with or without its append-only file. */
  crash(keeps: "DATA" | "NOTHING"): Promise<void>;
  /** Shuts it down, and starts it again after that many ms. */
  stopFor(ms: number): Promise<void>;
  /** Suspends it, and continues it after that many ms. */
  pauseFor(ms: number): Promise<void>;
  /** Copies its append-only file, and after that many ms starts it again with the copy. */
  restoreAfter(ms: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it, with an append-only file. */
export async function startChaosRedis(): Promise<ChaosRedis> {
  const folder = await createTemporaryFolder("chaos-redis");
  const files = join(folder.path, "appendonlydir");
  const copy = join(folder.path, "copy");
  const server = await startRedisServer({ appendonly: "yes", dir: folder.path });
  const kill = async (): Promise<void> => {
    const report = await ask(server.url, (redis) => redis.info("server"));
    process.kill(Number(/process_id:(\d+)/.exec(report)?.[1]), "SIGKILL");
    await server.halt();
  };
  return {
    url: server.url,
    flush: async () => void (await ask(server.url, (redis) => redis.flushall())),
    async crash(keeps) {
      await kill();
      if (keeps === "NOTHING") {
        await rm(files, { recursive: true, force: true });
      }
      await server.revive();
    },
    async stopFor(ms) {
      await server.halt();
      await delay(ms);
      await server.revive();
    },
    async pauseFor(ms) {
      server.pause();
      await delay(ms);
      server.resume();
    },
    async restoreAfter(ms) {
      await rm(copy, { recursive: true, force: true });
      await cp(files, copy, { recursive: true });
      await delay(ms);
      await kill();
      await rm(files, { recursive: true, force: true });
      await cp(copy, files, { recursive: true });
      await server.revive();
    },
    async stop() {
      await server.stop();
      await folder.remove();
    },
  };
}

async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}
