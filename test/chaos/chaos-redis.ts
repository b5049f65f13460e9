import { rm } from "node:fs/promises";
import { join } from "node:path";

import { Redis } from "ioredis";

import { startRedisServer } from "../support/redis-server.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

/** A Redis to be ill-treated. */
export interface ChaosRedis {
  readonly url: string;
  /** Empties it. */
  flush(): Promise<void>;
  /** SIGKILL, and another one on the same port; with what its append-only file kept, or without. */
  crash(keeps: "DATA" | "NOTHING"): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it, with an append-only file. */
export async function startChaosRedis(): Promise<ChaosRedis> {
  const folder = await createTemporaryFolder("chaos-redis");
  const server = await startRedisServer({ appendonly: "yes", dir: folder.path });
  return {
    url: server.url,
    flush: async () => void (await ask(server.url, (redis) => redis.flushall())),
    async crash(keeps) {
      const report = await ask(server.url, (redis) => redis.info("server"));
      process.kill(Number(/process_id:(\d+)/.exec(report)?.[1]), "SIGKILL");
      await server.halt();
      if (keeps === "NOTHING") {
        await rm(join(folder.path, "appendonlydir"), { recursive: true, force: true });
      }
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
