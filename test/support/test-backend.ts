import type { Backend } from "../../src/compose/create-backend.ts";
import { createBackend } from "../../src/compose/create-backend.ts";
import { completeConfig } from "../../src/config/config.ts";
import type { BackendName } from "../../src/core/processes/process-register.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import type { SqlSession } from "../../src/kernel/sql-session.ts";
import { createTestRedis } from "./test-redis.ts";

/** A backend that can be harmed. */
export interface TestBackend extends Backend {
  /** Takes from Redis all that it has of this backend, as FLUSHALL would. */
  loseMemory(): Promise<void>;
  /** In front of all its keys in Redis; empty where it has none. */
  readonly redisKeyPrefix: string;
  readonly databaseUrl: string;
}

/** The backend that this run of the tests is for: some suites run once on each. */
const TEST_BACKEND: BackendName = process.env["POWERCRUD_TEST_BACKEND"] === "redis" ? "redis" : "postgres";

/**
 * Queue and bus as the service wires them, with nothing of others in them.
 * @param options.redisUrl puts them in this Redis whatever the run is for
 */
export async function createTestBackend(options: {
  readonly databaseUrl: string;
  readonly session: SqlSession;
  readonly logger: Logger;
  readonly redisUrl?: string | undefined;
}): Promise<TestBackend> {
  const name = options.redisUrl === undefined ? TEST_BACKEND : "redis";
  const redis = name === "redis" ? createTestRedis(options.redisUrl) : undefined;
  const config = completeConfig({
    workerConcurrency: 2,
    ...(redis === undefined ? {} : { redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix }),
  });
  const backend = createBackend({ ...options, config, chosen: { name, reason: "test" } });
  await backend.ready();
  return {
    ...backend,
    redisKeyPrefix: redis?.keyPrefix ?? "",
    databaseUrl: options.databaseUrl,
    loseMemory: async () => redis?.drop(),
    async close() {
      await backend.close();
      await redis?.drop();
    },
  };
}
