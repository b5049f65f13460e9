import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import demoConfig from "../../powercrud.config.ts";
import { findPostgresUser } from "../../src/adapters/embedded/postgres-user.ts";
import type { PowerCrudService } from "../../src/index.ts";
import { createService, createSilentLogger } from "../../src/index.ts";
import { insertCities } from "../support/insert-cities.ts";
import { startPostgresServer } from "../support/postgres-server.ts";
import { createTemplateDatabase, TEMPLATE_DATABASE } from "../support/template-database.ts";

/**
 * Fills the disk under a service, and looks at what becomes of it: `npm run disk-full`, as root, on Linux. The tables of a
 * database of its own lie on a file system in memory of {@link SIZE}. Ends with 1 if something is wrong.
 */
const SIZE = "64m";
const CITIES = 20_000;
/** How long workers meet a full disk. */
const FULL_MS = 15_000;
const PATIENCE_MS = 120_000;
const run = promisify(execFile);

const BULK = `mutation { result: bulkUpdateCities(selection: {where: {id: {gt: 0}}}, data: {population: {increment: 1}},
  options: {mode: ASYNC, maxAffected: ${CITIES}, errorPolicy: SKIP_FAILED}) { kind: __typename ... on TaskLaunched { task { id } } ... on Error { code message } } }`;
const BULK_OF_ONE = `mutation { result: bulkCreateCities(data: [{id: 900001, name: "${"x".repeat(5000)}", countryCode: "FR", population: 1, latitude: 0, longitude: 0}],
  options: {mode: ASYNC, allowDuplicate: true}) { kind: __typename ... on Error { code message } } }`;
// A long text that cannot be compressed needs a page of its own.
const SINGLE = (): string =>
  `mutation { result: createTag(data: {label: "${Array.from({ length: 200 }, () => Math.random().toString(36).slice(2)).join("")}"}) { kind: __typename ... on Error { code message } } }`;

if (process.getuid?.() !== 0) {
  throw new Error("Only root may mount a file system: run this as root.");
}
const place = await mkdtemp("/tmp/powercrud-small-disk-");
await chmod(place, 0o755);
// PostgreSQL, which does not run as root, owns it.
const owner = await findPostgresUser(place);
await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE},uid=${owner?.uid},gid=${owner?.gid}`, "tmpfs", place]);
const postgres = await startPostgresServer();
const opened: { stop(): Promise<void> }[] = [];
try {
  await createTemplateDatabase(postgres.urlOf("postgres"), postgres.urlOf(TEMPLATE_DATABASE));
  const admin = await connect(postgres.urlOf("postgres"));
  await admin.query(`CREATE TABLESPACE small LOCATION '${place}'`);
  await admin.query(`CREATE DATABASE small TEMPLATE ${TEMPLATE_DATABASE} TABLESPACE small`);
  await fillAndRecover(postgres.urlOf("small"));
} finally {
  for (const each of opened.toReversed()) {
    await each.stop();
  }
  await postgres.stop();
  await run("umount", [place]);
  await rm(place, { recursive: true });
}

async function fillAndRecover(databaseUrl: string): Promise<void> {
  const sql = await connect(databaseUrl);
  await insertCities(sql, CITIES);
  // Not compressed.
  await sql.query("CREATE TABLE filler (text text); ALTER TABLE filler ALTER text SET STORAGE EXTERNAL");
  const api = await open("serve", databaseUrl);
  const accepted = await ask(api, BULK);
  assert.equal(accepted.kind, "TaskLaunched", "the task is accepted while there is room");
  const taskId = accepted.task?.id ?? "";

  await fill(sql);
  // Pages that are there have room for a few more rows.
  const single = await until("a single write is refused", async () => refused(await ask(api, SINGLE)));
  const launch = await until("a launch is refused", async () => refused(await ask(api, BULK_OF_ONE)));
  for (const { code, message } of [single, launch]) {
    assert.equal(code, "UNAVAILABLE");
    assert.doesNotMatch(message ?? "", /No space|extend|tmpfs|small/);
  }
  say("refused while the disk is full", { single, launch });
  assert.equal((await fetch(`${api.url}/graphql?query={cities{totalCount}}`)).status, 200, "reads go on");

  await open("work", databaseUrl);
  // Longer than a lease, so that the task is tried again.
  await delay(FULL_MS);
  const tried = await state();
  assert.ok(tried.succeeded < CITIES, "the task cannot go on");
  assert.ok(
    !["FAILED", "PARTIAL"].includes(tried.status),
    `the task is ${tried.status}, and may not be given up`,
  );
  say("the accepted task, while the disk is full", tried);

  await sql.query("DROP TABLE filler");
  const settled = await until("the task ends", async () => {
    const now = await state();
    return ["SUCCEEDED", "PARTIAL", "FAILED"].includes(now.status) ? now : undefined;
  });
  say("the accepted task, once there is room", settled);
  assert.deepEqual(
    { ...settled, attempt: 0 },
    { status: "SUCCEEDED", attempt: 0, succeeded: CITIES, message: null },
  );
  const { rows } = await sql.query("SELECT DISTINCT population FROM city");
  assert.deepEqual(rows, [{ population: 1 }], "each record was changed exactly once");
  assert.equal((await ask(api, SINGLE)).kind, "CreateTagPayload", "single writes go on");
  say("no findings", {});

  async function state(): Promise<{
    status: string;
    attempt: number;
    succeeded: number;
    message: string | null;
  }> {
    const found = await sql.query(
      "SELECT status, attempt, succeeded, message FROM powercrud.task WHERE id = $1",
      [taskId],
    );
    return found.rows[0];
  }
}

interface Answer {
  readonly kind: string;
  readonly code?: string;
  readonly message?: string;
  readonly task?: { readonly id: string };
}

async function ask({ url }: PowerCrudService, query: string | (() => string)): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: typeof query === "string" ? query : query() }),
  });
  const { data, errors } = (await response.json()) as { data?: { result?: Answer }; errors?: Answer[] };
  return data?.result ?? { kind: "Error", ...errors?.[0] };
}

function refused(answer: Answer): Answer | undefined {
  return answer.code === undefined ? undefined : answer;
}

/** Until not one page more can be had. */
async function fill(sql: Client): Promise<void> {
  for (const size of [1_000_000, 100_000, 7000]) {
    try {
      for (;;) {
        await sql.query("INSERT INTO filler VALUES (repeat('x', $1))", [size]);
      }
    } catch (error) {
      assert.equal((error as { code?: string }).code, "53100", String(error));
    }
  }
}

async function open(role: "serve" | "work", databaseUrl: string): Promise<PowerCrudService> {
  const service = await createService({
    config: demoConfig,
    databaseUrl,
    role,
    logger: createSilentLogger(),
    settings: { port: 0, leaseMs: 2000, chunkRecords: 500 },
  });
  opened.push(service);
  await service.start();
  return service;
}

async function connect(url: string): Promise<Client> {
  const client = new Client(url);
  await client.connect();
  opened.push({ stop: () => client.end() });
  return client;
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const seen = await look();
    if (seen !== undefined) {
      return seen;
    }
    await delay(50);
  }
  throw new Error(`This did not happen: ${what}.`);
}

function say(what: string, seen: object): void {
  process.stdout.write(`${what} ${JSON.stringify(seen)}\n`);
}
