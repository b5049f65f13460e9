import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import type { BackendChoice } from "../core/health/examinations.ts";
import { inspectRedis, redisProblems } from "../adapters/redis/inspect-redis.ts";
import { createFailFastRedis } from "../adapters/redis/redis-connection.ts";
import type { Config } from "../config/config.ts";

/**
 * Chooses where queue and messages are, as POWERCRUD_BACKEND says; `auto` takes Redis if it can be reached.
 * @throws AppError INVALID_CONFIG for redis without REDIS_URL; START_FAILED for a Redis that is required and out of
 *   reach, that answers but refuses the service, or that loses queued tasks, such as one that evicts
 */
export async function chooseBackend(
  config: Pick<Config, "backend" | "redisUrl" | "redisKeyPrefix">,
  logger: Logger,
): Promise<BackendChoice> {
  const { backend, redisUrl, redisKeyPrefix } = config;
  if (backend === "postgres") {
    return { name: "postgres", reason: "POWERCRUD_BACKEND says so." };
  }
  if (redisUrl === undefined) {
    if (backend === "redis") {
      throw new AppError("INVALID_CONFIG", "POWERCRUD_BACKEND is redis; it needs REDIS_URL.");
    }
    return { name: "postgres", reason: "REDIS_URL is not set." };
  }
  return askRedis(redisUrl, redisKeyPrefix, backend === "redis", logger);
}

async function askRedis(
  url: string,
  keyPrefix: string,
  isRequired: boolean,
  logger: Logger,
): Promise<BackendChoice> {
  const connection = createFailFastRedis({ url, name: "inspector", logger });
  try {
    const inspection = await inspectRedis(connection, keyPrefix);
    const problems = redisProblems(inspection);
    for (const { message } of problems.filter(({ severity }) => severity === "warning")) {
      logger.warn({}, message);
    }
    const fault = problems.find(({ severity }) => severity === "error");
    if (fault === undefined) {
      return {
        name: "redis",
        reason: isRequired ? "POWERCRUD_BACKEND says so." : "REDIS_URL is set, and Redis answered.",
      };
    }
    // Redis answers but refuses, for example because of a wrong password. That is a wrong setting of this process, and
    // other processes may reach Redis. So falling back to PostgreSQL would split the deployment.
    if (isRequired || inspection.isReachable || inspection.isAnswering) {
      throw new AppError("START_FAILED", fault.message);
    }
    logger.warn({}, `${fault.message}; PostgreSQL takes its place`);
    return { name: "postgres", reason: "REDIS_URL is set, but Redis cannot be reached.", isFallback: true };
  } finally {
    connection.close();
  }
}
