import { randomUUID } from "node:crypto";

import { Redis } from "ioredis";
import { inject } from "vitest";

export interface TestRedis {
  url: string;
  /** The prefix of all keys and channels of one test file. */
  keyPrefix: string;
  /** Removes every key with the prefix. */
  drop(): Promise<void>;
}

/** A key prefix in the shared Redis for one test file. Create it in `beforeAll`, drop it in `afterAll`. */
export function createTestRedis(url = inject("redisUrl")): TestRedis {
  const keyPrefix = `test:${randomUUID()}:`;
  return { url, keyPrefix, drop: () => deleteKeys(url, `${keyPrefix}*`) };
}

async function deleteKeys(url: string, pattern: string): Promise<void> {
  const redis = new Redis(url);
  try {
    let cursor = "0";
    do {
      const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", 1000);
      if (keys.length > 0) {
        await redis.unlink(keys);
      }
      cursor = next;
    } while (cursor !== "0");
  } finally {
    redis.disconnect();
  }
}
