import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VERSION } from "../../src/cli/find-project.mjs";
import { withDeadline } from "../support/deadline.ts";
import { freePort } from "../support/free-port.ts";
import { runPowerCrud, spawnPowerCrud, startRole } from "../support/powercrud-process.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startRedisServer } from "../support/redis-server.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

interface Diagnosis {
  readonly isHealthy: boolean;
  readonly version: string;
  readonly node: string;
  readonly backend: string | null;
  readonly backendReason: string | null;
  readonly checks: readonly { name: string; status: string; message: string; detail?: string }[];
  readonly workersAlive: number;
  readonly processes: readonly { id: string; role: string }[];
}

interface Examined extends Diagnosis {
  readonly code: number | null;
  /** The statuses after the names of the checks. */
  readonly found: Record<string, string>;
  /** Its whole output, with standard error. */
  readonly text: string;
}

/** Logs at the lowest level: no log line may be in the document, and no secret in the log. */
async function examine(env: Record<string, string>): Promise<Examined> {
  const process = await spawnPowerCrud(["doctor", "--json"], { POWERCRUD_LOG_LEVEL: "debug", ...env });
  const { code } = await withDeadline(process.exited, 90_000, "the diagnosis");
  const diagnosis = JSON.parse(process.answer.join("\n")) as Diagnosis;
  const found = Object.fromEntries(
    diagnosis.checks.map(({ name, status, message }) => [name, `${status}: ${message}`]),
  );
  return { ...diagnosis, code, found, text: process.lines.join("\n") };
}

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
    const { code, found, isHealthy } = await examine({ DATABASE_URL: database.url });
    expect([code, isHealthy]).toEqual([1, false]);
    const skipped = "WARNING: Not examined: the database is not migrated.";
    expect(found).toEqual({
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
    await runPowerCrud(["migrate"], { DATABASE_URL: database.url, POWERCRUD_LOG_LEVEL: "silent" });
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    const before = await examine(env);
    expect([before.code, before.isHealthy, before.backend]).toEqual([0, true, "redis"]);
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

    const api = await startRole("serve", { ...env, PORT: "0", POWERCRUD_LOG_LEVEL: "silent" });
    const alone = await examine(env);
    expect([alone.code, alone.found["backend"]]).toEqual([
      1,
      "OK: redis: REDIS_URL is set, and Redis answered.",
    ]);
    expect(alone.found["workers"]).toMatch(/^FAILED: No worker is alive/);
    const elsewhere = await examine({ ...env, POWERCRUD_BACKEND: "postgres" });
    expect([elsewhere.code, elsewhere.found["backend"]]).toEqual([
      1,
      "WARNING: postgres: POWERCRUD_BACKEND says so. The processes of the deployment use redis: " +
        "set POWERCRUD_BACKEND=redis and REDIS_URL here, too.",
    ]);

    const worker = await startRole("work", { ...env, POWERCRUD_LOG_LEVEL: "silent" });
    const well = await examine(env);
    expect(well).toMatchObject({
      code: 0,
      isHealthy: true,
      version: VERSION,
      node: process.version,
      workersAlive: 1,
      processes: [{ role: "serve" }, { role: "work", id: worker.address }],
    });
    const plain = await runPowerCrud(["doctor"], env);
    expect(plain.answer).toEqual(
      expect.arrayContaining([
        `powercrud-graphql ${VERSION} on Node ${process.version}`,
        expect.stringMatching(/^OK {6}database {6}PostgreSQL answers\. \(\d+ ms\)$/),
        `process ${worker.address}: work, 4 tasks at a time`,
        "healthy",
      ]),
    );
    for (const process of [api, worker]) {
      process.kill("SIGTERM");
      await process.exited;
    }
  });

  it("reports an unreachable database without its password, and still checks Redis", async () => {
    const unreachable = `postgresql://me:hush@127.0.0.1:${await freePort()}/none`;
    const { code, found, text } = await examine({ DATABASE_URL: unreachable, REDIS_URL: redis.url });
    expect(code).toBe(1);
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
      const env = { DATABASE_URL: database.url, REDIS_URL: evicting.url };
      const { code, found, backend } = await examine(env);
      const fault = /^FAILED: .*\(maxmemory-policy allkeys-lru\).*: maxmemory-policy noeviction is needed/;
      expect([code, backend]).toEqual([1, null]);
      expect(found).toMatchObject({
        database: "OK: PostgreSQL answers.",
        redis: expect.stringMatching(fault),
        backend: expect.stringMatching(fault),
        queue: "WARNING: Not examined: there is no backend.",
      });
      const start = await spawnPowerCrud(["serve"], { ...env, PORT: "0", POWERCRUD_LOG_LEVEL: "silent" });
      expect(await withDeadline(start.exited, 60_000, "the refusal")).toEqual({ code: 1, signal: null });
      expect(start.lines.join("\n")).toContain("maxmemory-policy noeviction is needed");
    } finally {
      await evicting.stop();
    }
  });

  it("reports an unreachable Redis with the reason, without its password", async () => {
    const unreachable = `redis://:hush@127.0.0.1:${await freePort()}`;
    const { code, checks, text } = await examine({
      DATABASE_URL: database.url,
      REDIS_URL: unreachable,
      POWERCRUD_BACKEND: "redis",
    });
    expect(code).toBe(1);
    expect(checks.find(({ name }) => name === "redis")).toMatchObject({
      status: "FAILED",
      message: "Redis cannot be reached.",
      detail: expect.stringContaining("ECONNREFUSED"),
    });
    expect(text).not.toContain("hush");
  });

  it("checks the backend that the processes use, even while its Redis is down", async () => {
    const own = await startRedisServer({ appendonly: "yes" });
    const env = { DATABASE_URL: database.url, REDIS_URL: own.url };
    const all = await startRole("start", { ...env, PORT: "0", POWERCRUD_LOG_LEVEL: "silent" });
    try {
      await own.halt();
      for (const wanted of ["auto", "redis"]) {
        const { code, backend, found, text } = await examine({ ...env, POWERCRUD_BACKEND: wanted });
        expect([code, backend]).toEqual([1, "redis"]);
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
      all.kill("SIGTERM");
      await all.exited;
      await own.stop();
    }
  });

  it("reports settings with which nothing starts", async () => {
    const { code, checks } = await examine({ PORT: "many", REDIS_URL: "http://:hush@there" });
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
