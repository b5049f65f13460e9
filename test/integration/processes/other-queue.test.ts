import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import powerCrudApp from "../../../powercrud.config.ts";
import type { PowerCrud, PowerCrudOptions } from "../../../src/index.ts";
import { createPowerCrud } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

let database: TestDatabase;
let redis: RedisServer;
const running: PowerCrud[] = [];

beforeAll(async () => {
  redis = await startRedisServer({ appendonly: "yes" });
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const powercrud of running.splice(0).toReversed()) {
    await powercrud.stop();
  }
});
afterAll(async () => {
  await database.drop();
  await redis.stop();
});

async function start(
  role: NonNullable<PowerCrudOptions["role"]>,
  backend: "postgres" | "redis",
): Promise<PowerCrud> {
  const powercrud = await createPowerCrud({
    app: powerCrudApp,
    databaseUrl: database.url,
    role,
    config: { backend, redisUrl: redis.url, leaseMs: 1500 },
  });
  running.push(powercrud);
  await powercrud.start();
  return powercrud;
}

async function statusOf({ tasks }: PowerCrud, taskId: string): Promise<string | undefined> {
  return (await tasks.find([taskId])).get(taskId)?.status;
}

it.each([
  ["postgres", "redis"],
  ["redis", "postgres"],
] as const)(
  "a task launched on the %s queue is run by workers whose queue is in %s",
  async (launching, working) => {
    const worker = await start("work", working);
    // APIs of both queues take turns at sweeping, too.
    await start("serve", working);
    const api = await start("serve", launching);
    const outcome = await api.launchBulk({
      model: "Tag",
      viewer: { id: null },
      operation: "CREATE",
      records: Array.from({ length: 30 }, (_, at) => ({ label: `${launching} ${at}` })),
      options: { mode: "ASYNC" },
    });
    const taskId = outcome.kind === "LAUNCHED" ? outcome.task.id : "";
    expect(outcome.kind).toBe("LAUNCHED");
    const untilDone = async (): Promise<void> => {
      while ((await statusOf(worker, taskId)) !== "SUCCEEDED");
    };
    await withDeadline(untilDone(), 40_000, "the task to be run");
    expect((await api.health.read()).checks).toContainEqual(
      expect.objectContaining({ name: "backend", status: "WARNING" }),
    );
  },
);
