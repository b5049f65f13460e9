import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { withDeadline } from "../support/deadline.ts";
import { spawnPowerCrud, type PowerCrudProcess } from "../support/powercrud-process.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const READY = /^ready (http:\/\/127\.0\.0\.1:\d+)$/;

/** The data folder of all tests in this file, so that only the first start is cold. */
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await createTemporaryFolder("start");
});

afterAll(() => folder.remove());

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    PORT: "0",
    // setting: POWERCRUD_DATA_DIR
    POWERCRUD_DATA_DIR: join(folder.path, "data"),
    POWERCRUD_SEED_CITIES: "500",
    POWERCRUD_LOG_LEVEL: "silent",
    ...more,
  };
}

function startPowerCrud(more: Record<string, string> = {}): Promise<PowerCrudProcess> {
  return spawnPowerCrud(["start"], environment(more));
}

async function untilReady(process: PowerCrudProcess): Promise<string> {
  return (await process.waitForLine(READY))[1] ?? "";
}

async function countCities(url: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ cities(first: 1) { totalCount edges { node { name } } } }" }),
  });
  return ((await response.json()) as { data: unknown }).data;
}

/** PostgreSQL removes its pid file last. */
function hasServer(): boolean {
  return existsSync(join(folder.path, "data/postgres/data/postmaster.pid"));
}

const SEEDED = { cities: { totalCount: 500, edges: [{ node: { name: expect.any(String) as string } }] } };

test("a cold start migrates, seeds with progress and serves; SIGTERM stops everything", async () => {
  const process = await startPowerCrud();
  const url = await untilReady(process);
  expect(process.lines).toContain("powercrud: seeding: 500 of 500 records");
  expect(await countCities(url)).toEqual(SEEDED);
  expect(hasServer()).toBe(true);
  process.kill("SIGTERM");
  expect(await process.exited).toEqual({ code: 0, signal: null });
  expect(hasServer()).toBe(false);
});

describe("processes on one folder", () => {
  let running: PowerCrudProcess;
  let url: string;

  test("share the database; the first to stop leaves it to the other, whose warm start prints one line", async () => {
    const more = { POWERCRUD_SEED_CITIES: "7" };
    const [first, second] = await Promise.all([startPowerCrud(more), startPowerCrud(more)]);
    [, url] = await Promise.all([untilReady(first), untilReady(second)]);
    first.kill("SIGTERM");
    expect((await first.exited).code).toBe(0);
    expect(await countCities(url)).toEqual(SEEDED);
    expect(second.lines).toEqual([`ready ${url}`]);
    running = second;
  });

  test("leave it to the next when they are killed with -9", async () => {
    running.kill("SIGKILL");
    await running.exited;
    expect(hasServer()).toBe(true);
    running = await startPowerCrud();
    url = await untilReady(running);
    expect(await countCities(url)).toEqual(SEEDED);
  });

  test("let a migration name what it applied", async () => {
    const migrate = await spawnPowerCrud(["migrate"], environment());
    expect((await migrate.exited).code).toBe(0);
    // The demo leaves out the indexes of its searches: they cost more than all of its other indexes when cities change.
    expect(migrate.lines).toEqual([
      "the database is up to date",
      expect.stringMatching(/^-- Lists and searches would use these indexes/),
      "-- search in Country: words",
      expect.stringMatching(
        /^CREATE INDEX CONCURRENTLY "country_search_words_idx" ON "public"."country" USING gin .*;$/,
      ),
      "-- search in Country: words with a wrong letter",
      expect.stringContaining("gin_trgm_ops"),
      "-- search in City: words",
      expect.stringContaining('"city_search_words_idx"'),
      "-- search in City: words with a wrong letter",
      expect.stringContaining('"city_search_near_idx"'),
    ]);
    expect(await countCities(url)).toEqual(SEEDED);
  });

  test("stop everything on SIGINT", async () => {
    running.kill("SIGINT");
    expect(await running.exited).toEqual({ code: 0, signal: null });
    expect(running.lines).toEqual([`ready ${url}`]);
    expect(hasServer()).toBe(false);
  });
});

test("a process that is asked to stop before it is ready stops", async () => {
  // setting: POWERCRUD_LOG_LEVEL
  const process = await startPowerCrud({ POWERCRUD_LOG_LEVEL: "info" });
  await process.waitForLine(/the embedded PostgreSQL is ready/);
  process.kill("SIGTERM");
  expect(await process.exited).toEqual({ code: 0, signal: null });
  expect(hasServer()).toBe(false);
});

describe.skipIf(process.platform === "win32")("npm start", () => {
  // A terminal sends Ctrl-C to the whole group: to npm, to the service, and to all that it has started.
  test.each([
    ["Ctrl-C in a terminal", "SIGINT", "group"],
    ["SIGTERM to npm alone", "SIGTERM", "npm"],
  ] as const)("%s stops everything before npm ends", async (_what, signal, target) => {
    const npm = spawn("npm", ["start"], {
      cwd: ROOT,
      detached: true,
      env: { ...process.env, ...environment() },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(npm, "close");
    try {
      await withDeadline(
        new Promise<void>((done) => {
          npm.stdout.on("data", (text) => String(text).includes("ready http://") && done());
        }),
        60_000,
        "the ready line of npm start",
      );
      process.kill(target === "group" ? -(npm.pid ?? 0) : (npm.pid ?? 0), signal);
      expect(await withDeadline(closed, 30_000, "the end of npm start")).toEqual([0, null]);
      expect(hasServer()).toBe(false);
    } finally {
      if (npm.exitCode === null && npm.signalCode === null) {
        process.kill(-(npm.pid ?? 0), "SIGKILL");
      }
    }
  });
});

describe("it ends with one clear line and exit code 1 on", () => {
  async function failure(env: Record<string, string>): Promise<readonly string[]> {
    const process = await startPowerCrud(env);
    expect(await process.exited).toEqual({ code: 1, signal: null });
    expect(hasServer()).toBe(false);
    return process.lines;
  }

  test("a port in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    // setting: PORT
    const lines = await failure({ PORT: String(port) });
    other.close();
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^powercrud: .*127\\.0\\.0\\.1:${port}.*in use`)),
    ]);
  });

  test("a database that cannot be reached", async () => {
    const lines = await failure({ DATABASE_URL: "postgresql://user:secret@127.0.0.1:1/nowhere" });
    expect(lines).toEqual([
      expect.stringMatching(
        /^powercrud: the database of DATABASE_URL, 127\.0\.0\.1:1\/nowhere, cannot be reached: /,
      ),
    ]);
    expect(lines.join("\n")).not.toContain("secret");
  });

  test("a wrong variable", async () => {
    expect(await failure({ PORT: "http" })).toEqual([
      'powercrud: PORT must be a whole number from 0 to 65535, but is "http"',
    ]);
  });

  test("an unknown variable", async () => {
    expect(await failure({ POWERCRUD_SEED_CITYS: "5" })).toEqual([
      "powercrud: POWERCRUD_SEED_CITYS is not a known variable; did you mean POWERCRUD_SEED_CITIES?",
    ]);
  });
});

test("wrong usage is explained and ends with 2", async () => {
  const process = await spawnPowerCrud(["strat"]);
  expect((await process.exited).code).toBe(2);
  expect(process.lines[0]).toBe("powercrud: unknown command 'strat'");
});
