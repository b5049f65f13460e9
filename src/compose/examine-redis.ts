import type { Examination, Finding } from "../core/health/health-check.ts";
import type { RedisInspection } from "../adapters/redis/inspect-redis.ts";
import { inspectRedis, redisProblems } from "../adapters/redis/inspect-redis.ts";
import type { RedisConnection } from "../adapters/redis/redis-connection.ts";

/** Whether Redis answers, takes writes under the prefix, and can be trusted with locks. */
export function examineRedis(connection: RedisConnection, keyPrefix: string): Examination {
  return { name: "redis", examine: async () => findingOf(await inspectRedis(connection, keyPrefix)) };
}

function findingOf(inspection: RedisInspection): Finding {
  if (!inspection.isReachable) {
    return { status: "FAILED", message: inspection.message, detail: inspection.reason };
  }
  const problems = redisProblems(inspection);
  if (problems.length === 0) {
    return { status: "OK", message: "Redis answers." };
  }
  const isFault = problems.some(({ severity }) => severity === "error");
  return {
    status: isFault ? "FAILED" : "WARNING",
    message: problems.map(({ message }) => `${message}.`).join(" "),
  };
}
