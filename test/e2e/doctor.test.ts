import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { VERSION } from "../../src/cli/find-project.mjs";
import { diagnoseDeployment } from "../../src/compose/diagnose-deployment.ts";
import { completeConfig } from "../../src/config/config.ts";
import type { Config } from "../../src/config/config.ts";
import type { PowerCrud, PowerCrudOptions } from "../../src/index.ts";
import { createPowerCrud, migrateDatabase } from "../../src/index.ts";
import { withDeadline } from "../support/deadline.ts";
import { freePort } from "../support/free-port.ts";
import { createLogBook } from "../support/log-book.ts";
import { runPowerCrud, spawnPowerCrud } from "../support/powercrud-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startRedisServer } from "../support/redis-server.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

interface Document {
  readonly isHealthy: boolean;
  readonly version: string;
  readonly node: string;
  readonly backend: string | null;
  readonly backendReason: string | null;
  readonly checks: readonly { name: string; status: string; message: string; detail?: string }[];
  readonly workersAlive: number;
  readonly processes: readonly { id: string; role: string }[];
}

interface Examined {
  readonly isHealthy: boolean;
  readonly backend: string | undefined;
  readonly checks: readonly { readonly name: string; readonly detail?: string | undefined }[];
  /** The statuses after the names of the checks. */
  readonly found: Record<string, string>;
  /** The whole result, and the log. */
  readonly text: string;
}

/** The statuses after the names of the checks. */
function statusesOf(
  checks: readonly { name: string; status: string; message: string }[],
): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, status, message }) => [name, `${status}: ${message}`]));
}

/** What the command finds with the settings, in this process. No secret may be in its log. */
async function examine(settings: Partial<Config>): Promise<Examined> {
  const config = completeConfig(settings);
  const logger = createLogBook();
  const { isHealthy, backend, checks } = await diagnoseDeployment({
    config,
    database: { databaseUrl: config.databaseUrl, dataDir: "/nowhere", logger },
    projectDir: process.cwd(),
    loadProject: () => Promise.resolve(demoConfig),
    logger,
  });
  const text = JSON.stringify([checks, logger.lines], (_name, value: unknown) =>
    value instanceof Error ? [value.message, value] : value,
  );
  return { isHealthy, backend: backend?.name, checks, found: statusesOf(checks), text };
}

/** The document that the command prints. Logs at the lowest level: no log line may be in it. */
async function runDoctor(env: Record<string, string>): Promise<Document & { readonly code: number | null }> {
  const program = await spawnPowerCrud(["doctor", "--json"], { POWERCRUD_LOG_LEVEL: "debug", ...env });
  const { code } = await withDeadline(program.exited, 90_000, "the diagnosis");
  return { ...(JSON.parse(program.answer.join("\n")) as Document), code };
}

const running: PowerCrud[] = [];

/** Starts a process of the deployment, in this one. */
async function start(
  role: NonNullable<PowerCrudOptions["role"]>,
  settings: NonNullable<PowerCrudOptions["settings"]>,
): Promise<PowerCrud> {
  const powercrud = await createPowerCrud({ config: demoConfig, databaseUrl: database.url, role, settings });
  running.push(powercrud);
  await powercrud.start();
  return powercrud;
}

afterEach(async () => {
  for (const powercrud of running.splice(0).toReversed()) {
    await powercrud.stop();
  }
});

let database: TestDatabase;
let redis: RedisServer;

beforeAll(async () => {
  database = await createTestDatabase({ isEmpty: true });
  redis = await startRedisServer({ appendonly: "yes" });
});
afterAll(async () => {
  await database.drop();
  await redis.stop();
});

describe("powercrud doctor", () => {
  it("reports what a new database lacks, and that the other checks depend on it", async () => {
    const { code, checks, isHealthy } = await runDoctor({ DATABASE_URL: database.url });
    expect([code, isHealthy]).toEqual([1, false]);
    const skipped = "WARNING: Not examined: the database is not migrated.";
    expect(statusesOf(checks)).toEqual({
      database: "OK: PostgreSQL answers.",
      migrations: expect.stringMatching(
        /^FAILED: The database lacks migrations: .*_engine, .*_toolkit, .*_init, .*\. Run: npx powercrud migrate\.$/,
      ),
      models: "OK: 4 models can be served.",
      backend: "OK: postgres: REDIS_URL is not set.",
      queue: skipped,
      bus: skipped,
      notifications: skipped,
      workers: skipped,
    });
  });

  it("finds a deployment healthy before its first process and with a worker, but not with an API alone", async () => {
    await migrateDatabase({ databaseUrl: database.url, projectDir: process.cwd() });
    const settings = { databaseUrl: database.url, redisUrl: redis.url };
    const before = await examine(settings);
    expect([before.isHealthy, before.backend]).toEqual([true, "redis"]);
    expect(before.found).toEqual({
      database: "OK: PostgreSQL answers.",
      redis: "OK: Redis answers.",
      migrations: "OK: All migrations are applied.",
      models: "OK: 4 models can be served.",
      queue: "OK: 0 tasks wait in it.",
      bus: "OK: A message came back.",
      notifications: "OK: None was given up.",
      backend: "OK: redis: REDIS_URL is set, and Redis answered.",
      workers: "WARNING: No process of the deployment runs.",
    });

    await start("serve", settings);
    const alone = await examine(settings);
    expect([alone.isHealthy, alone.found["backend"]]).toEqual([
      false,
      "OK: redis: REDIS_URL is set, and Redis answered.",
    ]);
    expect(alone.found["workers"]).toMatch(/^FAILED: No worker is alive/);
    const elsewhere = await examine({ ...settings, backend: "postgres" });
    expect([elsewhere.isHealthy, elsewhere.found["backend"]]).toEqual([
      false,
      "WARNING: postgres: POWERCRUD_BACKEND says so. The processes of the deployment use redis: " +
        "set POWERCRUD_BACKEND=redis and REDIS_URL here, too.",
    ]);

    const worker = await start("work", settings);
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    const well = await runDoctor(env);
    expect(well).toMatchObject({
      code: 0,
      isHealthy: true,
      version: VERSION,
      node: process.version,
      workersAlive: 1,
      processes: [{ role: "serve" }, { role: "work", id: worker.processId }],
    });
    const plain = await runPowerCrud(["doctor"], env);
    expect(plain.answer).toEqual(
      expect.arrayContaining([
        `powercrud-graphql ${VERSION} on Node ${process.version}`,
        expect.stringMatching(/^OK {6}database {6}PostgreSQL answers\. \(\d+ ms\)$/),
        `process ${worker.processId}: work, 4 tasks at a time`,
        "healthy",
      ]),
    );
  });

  it("reports an unreachable database without its password, and still checks Redis", async () => {
    const unreachable = `postgresql://me:hush@127.0.0.1:${await freePort()}/none`;
    const { isHealthy, found, text } = await examine({ databaseUrl: unreachable, redisUrl: redis.url });
    expect(isHealthy).toBe(false);
    expect(found).toMatchObject({
      database: expect.stringMatching(/^FAILED: .*127\.0\.0\.1:\d+\/none, cannot be reached: .*ECONNREFUSED/),
      redis: "OK: Redis answers.",
      backend: "OK: redis: REDIS_URL is set, and Redis answered.",
      migrations: "WARNING: Not examined: the database cannot be reached.",
      queue: "WARNING: Not examined: the database cannot be reached.",
    });
    expect(text).not.toContain("hush");
  });

  it("reports a Redis that evicts, on which nothing starts", async () => {
    const evicting = await startRedisServer({ appendonly: "yes", "maxmemory-policy": "allkeys-lru" });
    try {
      const settings = { databaseUrl: database.url, redisUrl: evicting.url };
      const { isHealthy, found, backend } = await examine(settings);
      const fault = /^FAILED: .*\(maxmemory-policy allkeys-lru\).*: maxmemory-policy noeviction is needed/;
      expect([isHealthy, backend]).toEqual([false, undefined]);
      expect(found).toMatchObject({
        database: "OK: PostgreSQL answers.",
        redis: expect.stringMatching(fault),
        backend: expect.stringMatching(fault),
        queue: "WARNING: Not examined: there is no backend.",
      });
      await expect(start("serve", settings)).rejects.toThrow("maxmemory-policy noeviction is needed");
    } finally {
      await evicting.stop();
    }
  });

  it("reports an unreachable Redis with the reason, without its password", async () => {
    const unreachable = `redis://:hush@127.0.0.1:${await freePort()}`;
    const { isHealthy, checks, text } = await examine({
      databaseUrl: database.url,
      redisUrl: unreachable,
      backend: "redis",
    });
    expect(isHealthy).toBe(false);
    expect(checks.find(({ name }) => name === "redis")).toMatchObject({
      status: "FAILED",
      message: "Redis cannot be reached.",
      detail: expect.stringContaining("ECONNREFUSED"),
    });
    expect(text).not.toContain("hush");
  });

  it("checks the backend that the processes use, even while its Redis is down", async () => {
    const own = await startRedisServer({ appendonly: "yes" });
    const settings = { databaseUrl: database.url, redisUrl: own.url };
    await start("start", settings);
    try {
      await own.halt();
      for (const wanted of ["auto", "redis"] as const) {
        const { isHealthy, backend, found, text } = await examine({ ...settings, backend: wanted });
        expect([isHealthy, backend]).toEqual([false, "redis"]);
        expect(found).toEqual({
          database: "OK: PostgreSQL answers.",
          redis: "FAILED: Redis cannot be reached.",
          migrations: "OK: All migrations are applied.",
          models: "OK: 4 models can be served.",
          queue: "FAILED: The task queue cannot be reached.",
          bus: expect.stringMatching(/^FAILED: /),
          notifications: "OK: None was given up.",
          backend:
            "FAILED: redis: The processes of the deployment have their queue there. It cannot be reached now.",
          workers: "OK: 1 worker is alive.",
        });
        expect(text).not.toContain("set POWERCRUD_BACKEND");
      }
    } finally {
      await own.stop();
    }
  });

  it("reports settings with which nothing starts", async () => {
    const { code, checks } = await runDoctor({ PORT: "many", REDIS_URL: "http://:hush@there" });
    expect(code).toBe(1);
    expect(checks).toEqual([
      {
        name: "configuration",
        status: "FAILED",
        message:
          'PORT must be a whole number from 0 to 65535, but is "many"\n' +
          "REDIS_URL must be a connection string such as redis://user:password@host:6379/0, but is set to something else",
        latencyMs: null,
      },
    ]);
  });
});
