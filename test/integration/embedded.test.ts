import { spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

import {
  createEmbeddedPostgres,
  type EmbeddedPostgres,
} from "../../src/adapters/embedded/create-embedded-postgres.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

let folder: TemporaryFolder;
/** The folder of most tests: a new database takes longer than most of them. */
let dataDir: string;
let services: EmbeddedPostgres[];

function createService(): EmbeddedPostgres {
  const service = createEmbeddedPostgres({
    dataDir,
    logger: createSilentLogger(),
  });
  services.push(service);
  return service;
}

async function startService(): Promise<EmbeddedPostgres> {
  const service = createService();
  await service.start();
  return service;
}

async function query<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** PostgreSQL's pid file, which has its process id on the first line. */
async function serverPid(): Promise<number> {
  return Number.parseInt(await readFile(notePath(), "utf8"), 10);
}

function notePath(): string {
  return join(dataDir, "postgres/data/postmaster.pid");
}

/** Starts the server in a process of its own, and kills that. @returns the server's address */
async function startInKilledProcess(): Promise<string> {
  const module = resolve(import.meta.dirname, "../../src/adapters/embedded/create-embedded-postgres.ts");
  const code = `import { createEmbeddedPostgres } from ${JSON.stringify(module)};
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const service = createEmbeddedPostgres({ dataDir: process.argv[1], logger });
    await service.start();
    console.log(service.url);`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", code, dataDir];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [url] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGKILL");
  await once(child, "exit");
  return String(url).trim();
}

beforeAll(async () => {
  folder = await createTemporaryFolder("embedded");
});
afterAll(() => folder.remove());
beforeEach(() => {
  dataDir = join(folder.path, "data");
  services = [];
});
afterEach(async () => {
  await Promise.all(services.map((service) => service.stop()));
});

test("starts on an empty folder, keeps its data, and leaves no process after its stop", async () => {
  dataDir = join(folder.path, "empty");
  const first = await startService();
  await query(first.url, "CREATE TABLE kept AS SELECT 1 AS value");
  await first.stop();
  await expect(query(first.url, "SELECT 1")).rejects.toThrow("ECONNREFUSED");
  const second = await startService();
  expect(await query(second.url, "SELECT value FROM kept")).toEqual([{ value: 1 }]);
});

test("sorts by code point, maps the case of all letters, and is durable", async () => {
  const { url } = await startService();
  expect(
    await query(
      url,
      `SELECT array_agg(t ORDER BY t) AS sorted, lower('ÉÑ') AS lowered FROM unnest(ARRAY['é', 'z', 'a', 'Z']) AS t`,
    ),
  ).toEqual([{ sorted: ["Z", "a", "z", "é"], lowered: "éñ" }]);
  expect(await query(url, "SHOW fsync")).toEqual([{ fsync: "on" }]);
  expect(await query(url, "SHOW server_encoding")).toEqual([{ server_encoding: "UTF8" }]);
  expect(await query(url, "SHOW listen_addresses")).toEqual([{ listen_addresses: "127.0.0.1" }]);
});

test("needs the password, which only its owner can read", async () => {
  const { url } = await startService();
  const wrong = new URL(url);
  wrong.password = "wrong";
  await expect(query(wrong.href, "SELECT 1")).rejects.toThrow("password authentication failed");
  const { mode } = await stat(join(dataDir, "postgres/password"));
  expect(mode & 0o777).toBe(0o600);
});

test("two services on one empty folder share a server: the last one to stop stops it", async () => {
  dataDir = join(folder.path, "shared");
  const [first, second] = await Promise.all([startService(), startService()]);
  expect(second.url).toBe(first.url);
  await first.stop();
  expect(await query(second.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await second.stop();
  await expect(query(second.url, "SELECT 1")).rejects.toThrow("ECONNREFUSED");
});

test("a server that outlived its process is used by the next one, which stops it", async () => {
  const url = await startInKilledProcess();
  const next = await startService();
  expect(next.url).toBe(url);
  await next.stop();
  await expect(query(next.url, "SELECT 1")).rejects.toThrow("ECONNREFUSED");
});

test("a server that was killed under two services comes back at the same address, with its data", async () => {
  const [first, second] = await Promise.all([startService(), startService()]);
  await query(first.url, "CREATE TABLE kept AS SELECT 3 AS value");
  process.kill(await serverPid(), "SIGKILL");
  const untilBack = (url: string): Promise<void> =>
    vi.waitFor(async () => expect(await query(url, "SELECT value FROM kept")).toEqual([{ value: 3 }]), {
      timeout: 20_000,
      interval: 100,
    });
  await untilBack(first.url);
  await first.stop();
  // If it has not joined the server before the first one left, it starts it again.
  await untilBack(second.url);
  await second.stop();
  await expect(query(second.url, "SELECT 1")).rejects.toThrow("ECONNREFUSED");
});

test("a pid file that is empty, or has the number of another program, does not prevent the start", async () => {
  const first = await startService();
  const note = await readFile(notePath(), "utf8");
  const { uid, gid } = await stat(notePath());
  await first.stop();
  for (const text of ["", note.replace(/^\d+/, String(process.pid))]) {
    await writeFile(notePath(), text);
    await chown(notePath(), uid, gid);
    const next = await startService();
    expect(await query(next.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await next.stop();
  }
});

test("a damaged pid file of a running server is named, and no second server is started", async () => {
  const first = await startService();
  const note = await readFile(notePath(), "utf8");
  await writeFile(notePath(), "nonsense");
  await expect(createService().start()).rejects.toMatchObject({
    code: "START_FAILED",
    message: expect.stringContaining("postmaster.pid is damaged"),
  });
  await writeFile(notePath(), note);
  expect(await query(first.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("a service that stops while another starts leaves it a server", async () => {
  const first = await startService();
  const second = createService();
  await Promise.all([first.stop(), second.start()]);
  expect(await query(second.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("start and stop may be called twice; a stop without a start does nothing; the address needs a start", async () => {
  const service = createService();
  expect(() => service.url).toThrow("before its start");
  await Promise.all([service.start(), service.start()]);
  await Promise.all([service.stop(), service.stop()]);
  await createService().stop();
});

test("data goes to the fallback where PostgreSQL's own user cannot reach the wanted folder", async () => {
  const closed = join(folder.path, "closed");
  await mkdir(closed, { mode: 0o700 });
  dataDir = join(closed, "data");
  const fallbackDir = join(folder.path, "fallback");
  const service = createEmbeddedPostgres({ dataDir, fallbackDir, logger: createSilentLogger() });
  services.push(service);
  await service.start();
  const [row] = await query<{ folder: string }>(service.url, "SHOW data_directory").then((rows) =>
    rows.map((each) => ({ folder: Object.values(each)[0] as string })),
  );
  // Only root runs PostgreSQL as another user; other users can reach their own folders.
  const expected = process.getuid?.() === 0 ? fallbackDir : dataDir;
  expect(row?.folder).toBe(join(await realpath(expected), "postgres/data"));
});

// The last one: it breaks the data.
test("a server that cannot come back is reported as lost", async () => {
  const lost = new Promise<unknown>((onLost) => {
    services.push(
      createEmbeddedPostgres({ dataDir, logger: createSilentLogger(), onLost, maxRecoveries: 2 }),
    );
  });
  await services[0]?.start();
  const pid = await serverPid();
  await rename(join(dataDir, "postgres/data/global"), join(dataDir, "postgres/data/gone"));
  process.kill(pid, "SIGKILL");
  expect(await lost).toMatchObject({
    code: "START_FAILED",
    message: expect.stringContaining("does not start"),
  });
});
