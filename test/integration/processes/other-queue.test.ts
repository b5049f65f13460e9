import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, it } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import type { PowerCrud, PowerCrudOptions } from "../../../src/index.ts";
import { createPowerCrud } from "../../../src/index.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { createTestDatabase } from "../../support/test-database.ts";

interface Deployment {
  start(role: NonNullable<PowerCrudOptions["role"]>, backend: "postgres" | "redis"): Promise<PowerCrud>;
  stop(): Promise<void>;
}

const BACKENDS = [
  ["postgres", "redis"],
  ["redis", "postgres"],
] as const;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedisServer({ appendonly: "yes" });
});
afterAll(() => redis.stop());

/** Starts processes of one deployment: each has its own database and keys in Redis. */
async function createDeployment(): Promise<Deployment> {
  const database = await createTestDatabase();
  const redisKeyPrefix = `${randomUUID()}:`;
  const running: PowerCrud[] = [];
  return {
    async start(role, backend) {
      const powercrud = await createPowerCrud({
        config: demoConfig,
        databaseUrl: database.url,
        role,
        settings: { backend, redisUrl: redis.url, redisKeyPrefix, leaseMs: 1500 },
      });
      running.push(powercrud);
      await powercrud.start();
      return powercrud;
    },
    async stop() {
      for (const powercrud of running.toReversed()) {
        await powercrud.stop();
      }
      await database.drop();
    },
  };
}

async function statusOf({ tasks }: PowerCrud, taskId: string): Promise<string | undefined> {
  return (await tasks.get(taskId))?.status;
}

// At the same time, since each waits for the sweeper's grace of 5 s.
describe.concurrent("a deployment with two queues", () => {
  it.for(BACKENDS)(
    "runs a task launched on the %s queue in workers whose queue is in %s",
    async ([launching, working], { expect, onTestFinished }) => {
      const deployment = await createDeployment();
      onTestFinished(() => deployment.stop());
      const worker = await deployment.start("work", working);
      // The APIs of both queues sweep by turns.
      await deployment.start("serve", working);
      const api = await deployment.start("serve", launching);
      const outcome = await api.tasks.launchBulk({
        model: "Tag",
        viewer: { id: null },
        operation: "CREATE",
        records: Array.from({ length: 30 }, (_, at) => ({ label: `${launching} ${at}` })),
        options: { mode: "ASYNC" },
      });
      const taskId = outcome.kind === "LAUNCHED" ? outcome.task.id : "";
      expect(outcome.kind).toBe("LAUNCHED");
      await expect.poll(() => statusOf(worker, taskId), { timeout: 40_000 }).toBe("SUCCEEDED");
      expect((await api.health.read()).checks).toContainEqual(
        expect.objectContaining({ name: "backend", status: "WARNING" }),
      );
    },
  );
});
