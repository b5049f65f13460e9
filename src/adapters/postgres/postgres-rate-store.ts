import { RateLimiterPostgres } from "rate-limiter-flexible";
import type { RateStore } from "../../core/access/rate-store.ts";
import { RATE_WINDOW_S } from "../../core/access/rate-store.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";

/** Counts in the table `powercrud.rate`. */
export function createPostgresRateStore({ session }: { readonly session: SqlSession }): RateStore {
  const limiter = new RateLimiterPostgres({
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
