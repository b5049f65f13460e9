import type { Redis } from "ioredis";
import type { RateLimiterAbstract } from "rate-limiter-flexible";
import { RateLimiterPostgres, RateLimiterRedis } from "rate-limiter-flexible";
import type { RateStore } from "../../core/access/rate-store.ts";
import { RATE_WINDOW_S } from "../../core/access/rate-store.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";

/** The caller compares; the store only counts. */
const COUNTING = { points: Number.MAX_SAFE_INTEGER, duration: RATE_WINDOW_S };

/** Counts in the table `powercrud.rate`. */
export function createPostgresRateStore({ session }: { readonly session: SqlSession }): RateStore {
  const limiter = new RateLimiterPostgres({
    ...COUNTING,
    storeClient: {
      query: async ({ text, values }: { readonly text: string; readonly values: readonly unknown[] }) => ({
        rows: await session.query(text, values),
      }),
    },
    storeType: "client",
    schemaName: "powercrud",
    tableName: "rate",
    tableCreated: true,
    clearExpiredByTimeout: true,
    keyPrefix: "",
  });
  return countBy(limiter);
}

/** Counts in keys that end with their minute. */
export function createRedisRateStore(options: {
  readonly client: Redis;
  readonly keyPrefix: string;
}): RateStore {
  const { client, keyPrefix } = options;
  return countBy(new RateLimiterRedis({ ...COUNTING, storeClient: client, keyPrefix: `${keyPrefix}rate` }));
}

function countBy(limiter: RateLimiterAbstract): RateStore {
  return {
    async add(key, count) {
      const { consumedPoints, msBeforeNext } = await limiter.penalty(key, count);
      return { count: consumedPoints, msLeft: msBeforeNext };
    },
  };
}
