import { resolve } from "node:path";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import type { BackendName, ProcessRole } from "../../../src/core/processes/process-register.ts";
import type { PowerCrudService, ServiceOptions } from "../../../src/index.ts";
import { createService, migrateDatabase } from "../../../src/index.ts";
import { createTcpProxy } from "../../contract/tcp-proxy.ts";
import { withDeadline } from "../../support/deadline.ts";
import { freePort } from "../../support/free-port.ts";
import { createTestClient } from "../../support/graphql-client.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const HEALTH = /* GraphQL */ `
  {
    health {
      isHealthy
      backend
      backendReason
      workersAlive
      checks {
        name
        status
        message
        latencyMs
      }
      processes {
        id
        role
        concurrency
        startedAt
        seenAt
      }
    }
  }
`;
const LAUNCH = /* GraphQL */ `
  mutation {
    bulkUpdateCities(
      selection: { ids: ["1"] }
      data: { population: { increment: 1 } }
      options: { errorPolicy: SKIP_FAILED, mode: ASYNC }
    ) {
      ... on TaskLaunched {
        task {
          id
        }
      }
    }
  }
`;

interface Health {
  readonly isHealthy: boolean;
  readonly backend: string;
  readonly backendReason: string;
  readonly workersAlive: number;
  readonly checks: readonly { name: string; status: string; message: string; latencyMs: number }[];
  readonly processes: readonly { id: string; role: string; concurrency: number }[];
}

interface Launched {
  readonly bulkUpdateCities: { readonly task: { readonly id: string } };
}

const projectDir = resolve(import.meta.dirname, "../../..");
const NO_WORKER = "No worker is alive, so tasks stay in the queue. Start one: powercrud work.";
let database: TestDatabase;
let redis: RedisServer;
let sql: pg.Client;
const running: PowerCrudService[] = [];

beforeAll(async () => {
  redis = await startRedisServer({ appendonly: "yes" });
  database = await createTestDatabase({ isEmpty: true });
  await migrateDatabase({ databaseUrl: database.url, projectDir });
  sql = new pg.Client(database.url);
  await sql.connect();
});
afterEach(async () => {
  await stopAll();
  // A process that lost the database could not announce its end, nor run its tasks.
  await sql.query("DELETE FROM powercrud.process");
});
afterAll(async () => {
  await sql.end();
  await database.drop();
  await redis.stop();
});

async function stopAll(): Promise<void> {
  for (const service of running.splice(0).toReversed()) {
    await service.stop();
  }
}

async function start(
  role: ProcessRole,
  settings: ServiceOptions["settings"],
  databaseUrl = database.url,
): Promise<PowerCrudService> {
  const service = await createService({
    config: demoConfig,
    databaseUrl,
    projectDir,
    role,
    settings: { port: 0, ...settings },
  });
  running.push(service);
  await service.start();
  return service;
}

async function healthAt({ url }: PowerCrudService): Promise<Health> {
  const { health } = await createTestClient(url).request<{ health: Health }>(HEALTH);
  return health;
}

/** The statuses after the names of the checks. */
function found({ checks }: Health): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, status, message }) => [name, `${status}: ${message}`]));
}

async function untilSettled({ powercrud }: PowerCrudService, taskId: string): Promise<void> {
  for await (const { finishedAt } of powercrud.feed.watch(taskId)) {
    if (finishedAt !== null) {
      return;
    }
  }
}

async function readiness({ url }: PowerCrudService): Promise<unknown> {
  const response = await fetch(`${url}/health/ready`);
  return [response.status, await response.json()];
}

describe.each<BackendName>(["redis", "postgres"])("health on %s", (backend) => {
  const settings = (): ServiceOptions["settings"] => ({ backend, redisUrl: redis.url });

  it("reports that there is no worker, leaves no task in the queue, and is healthy once there is one", async () => {
    const api = await start("serve", settings());
    const alone = await healthAt(api);
    const common = {
      database: "OK: PostgreSQL answers.",
      ...(backend === "redis" ? { redis: "OK: Redis answers." } : {}),
      migrations: "OK: All migrations are applied.",
      queue: "OK: 0 tasks wait in it.",
      bus: "OK: A message came back.",
      backend: `OK: ${backend}: POWERCRUD_BACKEND says so.`,
      notifications: "OK: None was given up.",
    };
    expect(alone).toMatchObject({
      isHealthy: false,
      backend,
      backendReason: "POWERCRUD_BACKEND says so.",
      workersAlive: 0,
      processes: [{ id: api.powercrud.processId, role: "SERVE", concurrency: 0 }],
    });
    expect(found(alone)).toEqual({ ...common, workers: `FAILED: ${NO_WORKER}` });
    expect(alone.checks.every(({ latencyMs }) => latencyMs >= 0)).toBe(true);
    expect(found(await healthAt(api))["queue"]).toBe("OK: 0 tasks wait in it.");
    expect(await readiness(api)).toEqual([200, { isReady: true, problems: [] }]);
    const { bulkUpdateCities: launched } = await createTestClient(api.url).request<Launched>(LAUNCH);
    expect(found(await healthAt(api))["queue"]).toBe("OK: 1 task waits in it.");

    const worker = await start("work", { ...settings(), workerConcurrency: 3 });
    const together = await healthAt(api);
    expect(together).toMatchObject({
      isHealthy: true,
      workersAlive: 1,
      processes: [{ role: "SERVE" }, { id: worker.powercrud.processId, role: "WORK", concurrency: 3 }],
    });
    expect(found(together)).toMatchObject({ workers: "OK: 1 worker is alive." });
    await withDeadline(untilSettled(api, launched.task.id), 20_000, "the end of the task");
    expect(found(await healthAt(api))["queue"]).toBe("OK: 0 tasks wait in it.");
    running.splice(running.indexOf(worker), 1);
    await worker.stop();
    expect(await healthAt(api)).toMatchObject({ isHealthy: false, workersAlive: 0 });
  });

  it("reports an unreachable database without details", async () => {
    const proxy = await createTcpProxy(database.url);
    const api = await start("start", settings(), proxy.url);
    expect((await healthAt(api)).isHealthy).toBe(true);
    await proxy.close();
    const health = await healthAt(api);
    const lost = "FAILED: The database cannot be reached.";
    expect(health).toMatchObject({ isHealthy: false, backend, workersAlive: 0, processes: [] });
    expect(found(health)).toMatchObject({ database: lost, migrations: lost, workers: lost });
    expect(found(health)["redis"]).toBe(backend === "redis" ? "OK: Redis answers." : undefined);
    expect(await readiness(api)).toEqual([
      503,
      { isReady: false, problems: ["The database cannot be reached."] },
    ]);
    expect(JSON.stringify(health)).not.toMatch(/127\.0\.0\.1|localhost|ECONNREFUSED|postgres:|node_modules/);
  });

  it("answers in time while the database does not", async () => {
    const proxy = await createTcpProxy(database.url);
    try {
      const api = await start("start", settings(), proxy.url);
      proxy.freeze();
      expect(found(await healthAt(api))["database"]).toMatch(/^FAILED: There was no answer within \d+ ms\.$/);
      expect(await readiness(api)).toMatchObject([503, { isReady: false }]);
    } finally {
      // The service stops only once its connections are known to be dead.
      await proxy.close();
    }
  });

  it("needs no worker if async is disabled", async () => {
    const api = await start("serve", { ...settings(), isAsyncEnabled: false });
    const health = await healthAt(api);
    expect(health.isHealthy).toBe(true);
    expect(found(health)["workers"]).toMatch(/^OK: None is needed/);
  });
});

describe("a process with another queue than the rest", () => {
  it("is reported by each of them with the setting to change, and all workers count", async () => {
    const own = await startRedisServer({ appendonly: "yes" });
    try {
      const worker = await start("start", { backend: "redis", redisUrl: own.url });
      const stray = await start("serve", { backend: "postgres" });
      const { processId } = stray.powercrud;
      for (const api of [worker, stray]) {
        const health = await healthAt(api);
        expect(health).toMatchObject({ isHealthy: true, workersAlive: 1 });
        expect(found(health)["backend"]).toMatch(/^WARNING: /);
        expect(found(health)["backend"]).toContain(
          `Process ${processId} (serve) has its queue in postgres, the others in redis, so what it launches begins ` +
            "late: set POWERCRUD_BACKEND=redis and REDIS_URL for it, and restart it.",
        );
        expect(await readiness(api)).toEqual([200, { isReady: true, problems: [] }]);
      }
      await stray.stop();
      expect(found(await healthAt(worker))["backend"]).toMatch(/^OK: /);
    } finally {
      await stopAll();
      await own.stop();
    }
  });
});

describe("health and Redis", () => {
  it("reports an unreachable Redis without address and password, and is healthy again with it", async () => {
    const own = await startRedisServer({ appendonly: "yes", requirepass: "hush" });
    try {
      const redisUrl = own.url.replace("redis://", "redis://:hush@");
      const api = await start("start", { backend: "redis", redisUrl });
      await own.halt();
      const health = await healthAt(api);
      expect(found(health)).toMatchObject({
        database: "OK: PostgreSQL answers.",
        redis: "FAILED: Redis cannot be reached.",
        queue: "FAILED: The task queue cannot be reached.",
        bus: expect.stringMatching(/^FAILED: /),
        backend: "FAILED: redis: POWERCRUD_BACKEND says so. It cannot be reached now.",
      });
      expect(health.isHealthy).toBe(false);
      expect(JSON.stringify(health)).not.toMatch(/hush|127\.0\.0\.1|ECONNREFUSED|node_modules/);
      // Without Redis it still reads and writes records, so it stays ready.
      expect(await readiness(api)).toEqual([200, { isReady: true, problems: [] }]);
      await own.revive();
      await expect.poll(async () => (await healthAt(api)).isHealthy).toBe(true);
    } finally {
      await own.stop();
    }
  });

  it("reports a Redis that evicts, and refuses to start on one", async () => {
    const own = await startRedisServer({ appendonly: "yes" });
    const client = new Redis(own.url);
    try {
      const api = await start("start", { backend: "redis", redisUrl: own.url });
      expect((await healthAt(api)).isHealthy).toBe(true);
      await client.config("SET", "maxmemory-policy", "allkeys-lru");
      const health = await healthAt(api);
      expect(health.isHealthy).toBe(false);
      expect(found(health)["redis"]).toMatch(
        /^FAILED: .*maxmemory-policy allkeys-lru.*noeviction is needed\.$/,
      );
      for (const backend of ["redis", "auto"] as const) {
        await expect(start("start", { backend, redisUrl: own.url })).rejects.toMatchObject({
          code: "START_FAILED",
          message: expect.stringContaining("maxmemory-policy noeviction is needed"),
        });
      }
    } finally {
      client.disconnect();
      await own.stop();
    }
  });

  it("warns that PostgreSQL replaced a Redis that was unreachable at the start", async () => {
    const redisUrl = `redis://:hush@127.0.0.1:${await freePort()}`;
    const api = await start("start", { backend: "auto", redisUrl });
    const health = await healthAt(api);
    const reason = "REDIS_URL is set, but Redis cannot be reached.";
    expect(health).toMatchObject({ isHealthy: true, backend: "postgres", backendReason: reason });
    expect(found(health)).toMatchObject({ backend: `WARNING: postgres: ${reason}` });
    expect(found(health)).not.toHaveProperty("redis");
  });
});
