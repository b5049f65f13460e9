import type { Examination, Finding } from "../core/health/health-check.ts";
import type { RedisInspection } from "../adapters/redis/inspect-redis.ts";
import { inspectRedis, redisProblems } from "../adapters/redis/inspect-redis.ts";
import type { RedisConnection } from "../adapters/redis/redis-connection.ts";

/**
 * Whether Redis answers, takes writes under the prefix, and can be trusted with locks.
 * @param findMore what else is wrong with a server that answers, if anything
 */
export function examineRedis(
  connection: RedisConnection,
  keyPrefix: string,
  findMore: () => Promise<Finding | undefined> = async () => undefined,
): Examination {
  return {
    name: "redis",
    async examine() {
      const inspection = await inspectRedis(connection, keyPrefix);
      const finding = findingOf(inspection);
      return (finding.status === "FAILED" ? undefined : await findMore()) ?? finding;
    },
  };
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
