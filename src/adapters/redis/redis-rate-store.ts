import type { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import type { RateStore } from "../../core/access/rate-store.ts";
import { RATE_WINDOW_S } from "../../core/access/rate-store.ts";

/** Counts in keys that end with their minute. */
export function createRedisRateStore(options: {
  readonly client: Redis;
  readonly keyPrefix: string;
}): RateStore {
  const limiter = new RateLimiterRedis({
    storeClient: options.client,
    keyPrefix: `${options.keyPrefix}rate`,
    // The caller compares; the store only counts.
    points: Number.MAX_SAFE_INTEGER,
    duration: RATE_WINDOW_S,
  });
  return {
    async add(key, count) {
      const { consumedPoints, msBeforeNext } = await limiter.penalty(key, count);
      return { count: consumedPoints, msLeft: msBeforeNext };
    },
  };
}
