/* oxlint-disable eslint/max-lines -- one fixture serves all cases */
import { SignJWT } from "jose";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import demoConfig from "../../powercrud.config.ts";
import { createPostgresApiKeys } from "../../src/adapters/postgres/postgres-api-keys.ts";
import { createApiKey, createFirstApiKey, listApiKeys, revokeApiKey } from "../../src/compose/manage-keys.ts";
import { completeConfig } from "../../src/config/config.ts";
import type { PowerCrudService } from "../../src/index.ts";
import {
  AppError,
  createPowerCrud,
  createService,
  createSilentLogger,
  defineConfig,
  defineTask,
} from "../../src/index.ts";
import { createAudit } from "../../src/kernel/audit.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { insertCities } from "../support/insert-cities.ts";
import { overSocket, overSse, socketClient } from "./graphql-clients.ts";

const SECRET = "a secret of at least thirty-two characters";
const WHO = `{ viewer { id roles } }`;
const silent = createSilentLogger();

let database: TestDatabase;
let sql: pg.Client;
let here: Parameters<typeof createApiKey>[0];
beforeAll(async () => {
  database = await createTestDatabase();
  here = { databaseUrl: database.url, config: completeConfig(), logger: silent };
  sql = new pg.Client(database.url);
  await sql.connect();
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

async function start(options: Partial<Parameters<typeof createService>[0]>): Promise<PowerCrudService> {
  const service = await createService({
    config: demoConfig,
    databaseUrl: database.url,
    role: "serve",
    ...options,
    settings: { port: 0, ...options.settings },
  });
  onTestFinished(() => service.stop());
  await service.start();
  return service;
}

describe("the audit log", () => {
  it("has one line for each key, each refused caller and each refused mutation, and no secret", async () => {
    const lines: Readonly<Record<string, unknown>>[] = [];
    const auditLogger = { ...silent, info: (fields: object) => void lines.push({ ...fields }) };
    const address = { ...here, audit: createAudit(auditLogger) };
    const makeKey = async (request: Partial<Parameters<typeof createApiKey>[1]>): Promise<string> => {
      const viewer = { id: `key:${request.name}` };
      const made = await createApiKey(address, { name: "", viewer, scopes: ["read", "write"], ...request });
      return made?.text ?? "";
    };
    const [text, reader, expired] = [
      await makeKey({ name: "worn", viewer: { id: "ann", roles: ["editor"] } }),
      await makeKey({ name: "looker", scopes: ["read"] }),
      await makeKey({ name: "old", validForMs: 60_000 }),
    ];
    await sql.query(`UPDATE powercrud.api_key SET expires_at = now() WHERE name = 'old'`);
    const { url } = await start({ settings: { auth: "required", jwtSecret: SECRET }, auditLogger });
    const forged = `${text.slice(0, -3)}AAA`;
    const token = await new SignJWT({ sub: "ann" })
      .setProtectedHeader({ alg: "HS256" })
      .setExpirationTime(new Date(Date.now() - 60_000))
      .sign(new TextEncoder().encode(SECRET));
    /** @returns the lines since the last time, without what they all have */
    const noted = async (doing: Promise<unknown>): Promise<unknown> => {
      await doing;
      return lines.splice(0).map(({ log, peer, requestId, ...line }) => {
        expect([log, peer, requestId]).toEqual(["audit", expect.stringContaining("127.0.0.1"), "edge-1"]);
        return line;
      });
    };
    const asked = (query: string, key?: string): Promise<unknown> =>
      fetch(`${url}/graphql`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-request-id": "edge-1",
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify({ query }),
      });
    const [made, ...others] = lines.splice(0);
    expect(made).toEqual({
      log: "audit",
      action: "key",
      outcome: "made",
      viewerId: null,
      key: made?.["key"],
    });
    const [key, readerKey, expiredKey] = [made, ...others].map((line) => line?.["key"]);

    const stranger = { action: "connect", outcome: "unauthenticated", viewerId: null };
    const bad = { action: "key", outcome: "unauthenticated", viewerId: null };
    expect(await noted(asked(WHO))).toEqual([{ ...stranger, reason: "nothing sent" }]);
    expect(await noted(asked(WHO, "nonsense"))).toEqual([{ ...stranger, reason: "invalid" }]);
    expect(await noted(asked(WHO, token))).toEqual([{ ...stranger, reason: "expired" }]);
    const unknown = `pck_${"0".repeat(12)}_${text.slice(17)}`;
    expect(await noted(asked(WHO, unknown))).toEqual([{ ...stranger, reason: "unknown" }]);
    expect(await noted(asked(WHO, forged))).toEqual([{ ...bad, reason: "invalid", key }]);
    expect(await noted(asked(WHO, expired))).toEqual([
      { ...bad, reason: "expired", key: expiredKey, viewerId: "key:old" },
    ]);
    const scope = { action: "key", outcome: "forbidden", reason: "no scope write" };
    expect(await noted(asked(`mutation { cancelTask(id: "1") { __typename } }`, reader))).toEqual([
      { ...scope, key: readerKey, viewerId: "key:looker" },
    ]);

    const mine = { viewerId: "ann" };
    const id = "0195f8f0-0000-7000-8000-000000000001";
    for (const action of ["cancel", "pause", "resume", "retry"]) {
      for (const taskId of [id, "nonsense"]) {
        const mutation = asked(`mutation { ${action}Task(id: "${taskId}") { __typename } }`, text);
        expect(await noted(mutation)).toEqual([{ ...mine, action, outcome: "missing", taskId }]);
      }
    }
    const bulk = `bulkDeleteCities(selection: { ids: ["1"] }) { __typename }`;
    expect(await noted(asked(`mutation { ${bulk} }`, text))).toEqual([
      { ...mine, action: "launch", outcome: "forbidden", kind: "bulkDelete", model: "City" },
    ]);
    expect(await noted(asked(`mutation { deleteCity(id: "1") { __typename } }`, text))).toEqual([
      { ...mine, action: "write", outcome: "forbidden", model: "City" },
    ]);
    const selecting = `mutation { gone: deleteCity(id: "1") { ... on DeleteCityPayload { city { id } } } }`;
    expect(await noted(asked(selecting, text))).toEqual([
      { ...mine, action: "mutation", outcome: "forbidden", reason: "deleteCity" },
    ]);
    expect(await noted(asked(WHO, text))).toEqual([]);

    // What is refused before it is executed, the second time as well as the first.
    const unknownCaller = { action: "document", viewerId: null };
    const long = `{ ${Array.from({ length: 1_001 }, (_, at) => `a${at}: __typename`).join(" ")} }`;
    for (const query of [long, long]) {
      expect(await noted(asked(query, text))).toEqual([
        { ...unknownCaller, outcome: "limit_exceeded", reason: "aliases" },
      ]);
    }
    for (const query of [`{ __schema { queryType { name } } }`, `{ __type(name: "City") { name } }`]) {
      expect(await noted(asked(query, text))).toEqual([{ ...unknownCaller, outcome: "forbidden" }]);
    }
    expect(await noted(asked(`{ nothing }`, text))).toEqual([]);
    const dear = `country { cities(first: 500) { nodes { country { cities(first: 500) { nodes { id } } } } } }`;
    const costly = `mutation { deleteCity(id: "1") { ... on DeleteCityPayload { city { ${dear} } } } }`;
    expect(await noted(asked(costly, text))).toEqual([
      { ...mine, action: "mutation", outcome: "limit_exceeded" },
    ]);
    expect(await noted(asked(`{ one: cities { totalCount } two: cities { totalCount } }`, text))).toEqual([
      { ...mine, action: "query", outcome: "forbidden", reason: "cities" },
    ]);
    const events = { query: `subscription { recordEvents(model: City) { __typename } }` };
    const streamed = await overSse(url, events, "POST", {
      authorization: `Bearer ${text}`,
      "x-request-id": "edge-1",
    });
    expect(await noted(streamed.next())).toEqual([
      { ...mine, action: "subscription", outcome: "forbidden", reason: "recordEvents" },
    ]);

    const authorization = `Bearer ${text}`;
    const file = { ...mine, action: "file" };
    for (const name of ["errors.jsonl", "export.csv"]) {
      const of = { headers: { authorization, "x-request-id": "edge-1" } };
      expect(await noted(fetch(`${url}/tasks/${id}/${name}`, of))).toEqual([
        { ...file, outcome: "not_found", taskId: id },
      ]);
    }
    const sent = (path: string): Promise<Response> =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: { authorization, "x-request-id": "edge-1", "content-type": "text/csv" },
        body: "name\r\nParis\r\n",
      });
    expect(await noted(sent("/imports/Citty?operation=create"))).toEqual([
      { ...file, outcome: "unknown_model", model: "Citty" },
    ]);
    await sent("/imports/City?operation=create");
    expect(lines.splice(0)).toMatchObject([
      { ...mine, action: "launch", outcome: "forbidden", kind: "bulkCreate", model: "City" },
    ]);

    const headers = { "x-request-id": "edge-1", origin: "https://elsewhere.example" };
    expect(await noted(fetch(`${url}/graphql?query={__typename}`, { headers }))).toEqual([
      { action: "connect", outcome: "forbidden", reason: "origin", viewerId: null },
    ]);
    expect(await noted(fetch(`${url}/health/ready`))).toEqual([]);
    expect(await makeKey({ name: "worn" })).toBe("");
    await revokeApiKey(address, "worn");
    expect(await revokeApiKey(address, text)).toBeUndefined();
    const ofKey = { log: "audit", action: "key", viewerId: null };
    expect(lines.splice(0)).toEqual([
      { ...ofKey, outcome: "conflict", reason: "name taken" },
      { ...ofKey, outcome: "revoked", key },
      { ...ofKey, outcome: "missing" },
    ]);
    const socket = socketClient(url, { connectionParams: { authorization: `Bearer ${text}` } });
    await expect(overSocket(socket, { query: WHO }).next()).rejects.toMatchObject({ code: 4403 });
    const stream = await overSse(url, { query: WHO }, "POST", { authorization: `Bearer ${text}` });
    expect((await stream.next()).value).toMatchObject({
      errors: [{ extensions: { code: "UNAUTHENTICATED" } }],
    });
    await asked(WHO, text);
    for (const path of [`/tasks/${id}/errors.jsonl`, "/queues/", "/health/ready"]) {
      await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${text}` } });
    }
    const revoked = { log: "audit", ...bad, reason: "revoked", key, viewerId: "ann" };
    expect(lines).toEqual(
      Array.from({ length: 6 }, () => ({
        ...revoked,
        requestId: expect.any(String) as string,
        peer: expect.stringContaining("127.0.0.1") as string,
      })),
    );
    const all = JSON.stringify(lines);
    expect(all).not.toContain(text.slice(17));
  });
});

it("an API key is good for what its scopes say, over POST, server-sent events and WebSocket", async () => {
  const { url } = await start({ settings: { auth: "required" } });
  const made = async (scope: "read" | "write"): Promise<string> => {
    const viewer = { id: `only ${scope}` };
    return (await createApiKey(here, { name: `only ${scope}`, viewer, scopes: [scope] }))?.text ?? "";
  };
  const answersTo = async (key: string, query: string): Promise<readonly unknown[]> => {
    const authorization = `Bearer ${key}`;
    const headers = { authorization, "content-type": "application/json" };
    const socket = socketClient(url, { connectionParams: { authorization } });
    onTestFinished(() => void socket.dispose());
    const body = JSON.stringify({ query });
    // Over WebSocket, errors without data are thrown at the reader.
    const first = (results: AsyncIterator<unknown>): Promise<unknown> =>
      results.next().then(
        ({ value }) => value as unknown,
        (errors: unknown) => ({ errors }),
      );
    return Promise.all([
      fetch(`${url}/graphql`, { method: "POST", headers, body }).then((response) => response.json()),
      first(await overSse(url, { query }, "POST", { authorization })),
      first(overSocket(socket, { query })),
    ]);
  };
  const missing = (scope: string): object => ({
    errors: [
      { message: expect.stringContaining(`scope ${scope}`) as string, extensions: { code: "FORBIDDEN" } },
    ],
  });
  const write = `mutation { cancelTask(id: "0195f8f0-0000-7000-8000-000000000001") { __typename } }`;
  const [reader, writer] = [await made("read"), await made("write")];
  expect(await answersTo(reader, write)).toMatchObject(Array.from({ length: 3 }, () => missing("write")));
  expect(await answersTo(writer, WHO)).toMatchObject(Array.from({ length: 3 }, () => missing("read")));
  const events = await answersTo(writer, "subscription { taskEvents { type } }");
  expect(events.slice(1)).toMatchObject(Array.from({ length: 2 }, () => missing("read")));
  const done = { data: { cancelTask: { __typename: "NotFoundError" } } };
  expect(await answersTo(writer, write)).toMatchObject(Array.from({ length: 3 }, () => done));
  const known = { data: { viewer: { id: "only read" } } };
  expect(await answersTo(reader, WHO)).toMatchObject(Array.from({ length: 3 }, () => known));
});

it("the last use of an API key is noted to the minute", async () => {
  await createApiKey(here, { name: "worn out", viewer: { id: "ann" }, scopes: ["read"] });
  const worn = async () => (await listApiKeys(here)).find(({ name }) => name === "worn out");
  const { id = "", lastUsedAt } = (await worn()) ?? {};
  expect(lastUsedAt).toBeNull();
  const query = async (text: string, values: readonly unknown[]) => (await sql.query(text, [...values])).rows;
  // What a process tells every five seconds of the keys that it has seen.
  const { refresh } = createPostgresApiKeys({ session: { query } as never });
  const seen: unknown[] = [];
  for (const seconds of [0, 59, 61]) {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
    expect(await refresh({ ids: [id], usedIds: [id], at })).toEqual(new Set([id]));
    seen.push((await worn())?.lastUsedAt?.toISOString());
  }
  const first = "2026-01-01T00:00:00.000Z";
  expect(seen).toEqual([first, first, "2026-01-01T00:01:01.000Z"]);
});

// setting: POWERCRUD_MAX_FAILED_SIGN_INS
// setting: POWERCRUD_MAX_CONNECTIONS_PER_VIEWER
it("maxFailedSignIns, maxConnectionsPerViewer: wrong keys from an address, and event streams of a viewer", async () => {
  const service = await start({
    settings: { maxFailedSignIns: 2, maxConnectionsPerViewer: 1, proxyHops: 1 },
    authenticate: ({ headers }) => {
      const id = headers.get("authorization");
      return id === "wrong" ? Promise.reject(new AppError("FORBIDDEN", "Not you.")) : Promise.resolve({ id });
    },
  });
  const query = encodeURIComponent("subscription { taskEvents { type } }");
  // A stream whose answer is garbage is closed.
  const answers: Response[] = [];
  const ask = async (authorization: string): Promise<number> => {
    const headers = { authorization, accept: "text/event-stream", "x-forwarded-for": "10.9.9.9" };
    answers.push(await fetch(`${service.url}/graphql?query=${query}`, { headers }));
    return answers.at(-1)?.status ?? 0;
  };
  expect([await ask("ann"), await ask("ann"), await ask("ben")]).toEqual([200, 429, 200]);
  expect([await ask("wrong"), await ask("wrong"), await ask("wrong")]).toEqual([200, 200, 429]);
  expect(answers).toHaveLength(6);
});

// setting: POWERCRUD_RATE_LIMIT
// setting: POWERCRUD_PROXY_HOPS
it("rateLimit, proxyHops: a caller may ask all processes for so much in a minute, and is whom the proxy names", async () => {
  const ask = async ({ url }: PowerCrudService, caller: string): Promise<number> =>
    (await fetch(`${url}/graphql?query={__typename}`, { headers: { "x-forwarded-for": caller } })).status;
  const limits = { settings: { rateLimit: 40, proxyHops: 1 } };
  const [first, second, other] = await Promise.all([
    start(limits),
    start(limits),
    start({ settings: { proxyHops: 1 } }),
  ]);
  let served = 0;
  while ((await ask(first, "10.0.0.1")) === 200) {
    served += 1;
  }
  expect(served).toBe(40);
  expect(await ask(first, "10.0.0.2")).toBe(200);
  expect(await ask(other, "10.0.0.1")).toBe(200);
  // A process tells of its own after a twentieth of the limit, and hears of the others' by the same statement.
  const counted = (): Promise<number[]> =>
    sql
      .query<{ points: number }>("SELECT points FROM powercrud.rate WHERE key LIKE '%10.0.0.1'")
      .then(({ rows }) => rows.map(({ points }) => points));
  // All but one that it may keep to itself.
  await expect.poll(counted).toEqual([expect.toBeOneOf([39, 40])]);
  expect([await ask(second, "10.0.0.1"), await ask(second, "10.0.0.1")]).toEqual([200, 200]);
  await expect.poll(counted).toEqual([expect.toBeOneOf([41, 42])]);
  // The store's answer is on its way; by its own count alone the process would serve 38 more.
  await expect.poll(() => ask(second, "10.0.0.1"), { interval: 1_000 }).toBe(429);
});

it("the first key is made once, for an administrator, and written down", async () => {
  await sql.query("DELETE FROM powercrud.api_key");
  const noted: object[] = [];
  const address = { ...here, audit: (entry: object) => void noted.push(entry) };
  const text = await createFirstApiKey(address, "root");
  const { url } = await start({ settings: { auth: "required" } });
  const headers = { authorization: `Bearer ${text}` };
  const answer = await fetch(`${url}/graphql?query=${encodeURIComponent(WHO)}`, { headers });
  expect(await answer.json()).toEqual({ data: { viewer: { id: "key:admin", roles: ["root"] } } });
  expect(await createFirstApiKey(address, "root")).toBeUndefined();
  expect(noted).toMatchObject([{ action: "key", outcome: "made" }]);
});

describe("a task goes on with its viewer as it is then", () => {
  type Viewer = Parameters<typeof createApiKey>[1]["viewer"];
  /** May change the cities of its claims. */
  const viewerOf = (id: string, ...cities: number[]): Viewer => ({ id, roles: [], claims: { cities } });
  const asked: unknown[] = [];
  // option: auth.loadViewer
  const config = defineConfig({
    ...demoConfig,
    tasks: [
      defineTask({
        kind: "visit",
        input: z.object({ city: z.int32() }),
        access: ({ input, viewer }) =>
          (viewer.claims?.["cities"] as number[] | undefined)?.includes(input.city) === true,
        retries: { max: 3 },
        run: async () => undefined,
      }),
    ],
    models: {
      ...demoConfig.models,
      City: {
        access: { read: true, update: ({ viewer }) => ({ id: { in: viewer.claims["cities"] as number[] } }) },
      },
    },
    auth: {
      loadViewer({ viewer }) {
        asked.push(viewer.id);
        return viewer.id === "gone" ? null : viewerOf("moved", 8);
      },
    },
  });
  const settings = { auth: "required", jwtSecret: SECRET } as const;

  it("by key and by token: what ended fails with the reason and frees its records; what changed counts", async () => {
    await insertCities(sql, 9);
    const noted: Readonly<Record<string, unknown>>[] = [];
    const auditLogger = { ...silent, info: (fields: object) => void noted.push({ ...fields }) };
    const api = await start({ config, settings });
    const keyOf = async (name: string, ...cities: number[]): Promise<string> => {
      const viewer = viewerOf(name, ...cities);
      return (await createApiKey(here, { name, viewer, scopes: ["read", "write"] }))?.text ?? "";
    };
    const tokenOf = (sub: string, ...cities: number[]): Promise<string> =>
      new SignJWT({ sub, cities })
        .setProtectedHeader({ alg: "HS256" })
        .setExpirationTime("1h")
        .sign(new TextEncoder().encode(SECRET));
    const launchBy = async (credential: string, field: string): Promise<string> => {
      const query = `mutation { launched: ${field} { ... on TaskLaunched { task { id } } } }`;
      const response = await fetch(`${api.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${credential}` },
        body: JSON.stringify({ query }),
      });
      const { data } = (await response.json()) as { data: { launched: { task: { id: string } } } };
      return data.launched.task.id;
    };
    const launch = (credential: string, ...ids: number[]): Promise<string> =>
      launchBy(
        credential,
        `bulkUpdateCities(selection: {ids: ${JSON.stringify(ids.map(String))}},
          data: {notes: {set: "changed"}}, options: {mode: ASYNC})`,
      );
    const visit = (credential: string, city: number): Promise<string> =>
      launchBy(credential, `launchVisit(input: {city: ${city}}, options: {mode: ASYNC})`);
    const narrowed = await keyOf("narrowed", 5, 6);
    const tasks = {
      kept: await launch(await keyOf("kept", 1), 1),
      revoked: await launch(await keyOf("revoked", 2), 2),
      expired: await launch(await keyOf("expired", 3), 3),
      reader: await launch(await keyOf("reader", 4), 4),
      narrowed: await launch(narrowed, 5, 6),
      visited: await visit(narrowed, 5),
      unvisited: await visit(narrowed, 6),
      gone: await launch(await tokenOf("gone", 7), 7),
      moved: await launch(await tokenOf("moved", 8, 9), 8, 9),
    };
    await revokeApiKey(here, "revoked");
    await sql.query(`UPDATE powercrud.api_key SET expires_at = now() WHERE name = 'expired'`);
    await sql.query(`UPDATE powercrud.api_key SET scopes = '{read}' WHERE name = 'reader'`);
    const viewer = JSON.stringify(viewerOf("narrowed", 5));
    await sql.query(`UPDATE powercrud.api_key SET viewer = $1 WHERE name = 'narrowed'`, [viewer]);
    const worker = await createPowerCrud({
      config,
      databaseUrl: database.url,
      role: "work",
      settings,
      auditLogger,
    });
    onTestFinished(() => worker.stop());
    await worker.start();
    const ends = Object.entries(tasks).map(async ([name, id]) => {
      const { status, message } = await worker.tasks.wait(id);
      const [error] = await worker.tasks.errors(id);
      return [name, status, message, error?.code, error?.recordId];
    });
    const key = (name: string): string => `The API key ${name}, which launched the task,`;
    const part = "1 of 2 records was skipped; the other was dealt with.";
    expect(await Promise.all(ends)).toEqual([
      ["kept", "SUCCEEDED", null, undefined, undefined],
      ["revoked", "FAILED", `${key("revoked")} was revoked.`, "UNAUTHENTICATED", null],
      ["expired", "FAILED", `${key("expired")} has expired.`, "UNAUTHENTICATED", null],
      [
        "reader",
        "FAILED",
        `${key("reader")} is good for: read. The task needs the scope write.`,
        "FORBIDDEN",
        null,
      ],
      ["narrowed", "SUCCEEDED", part, "RECORD_MISSING", "6"],
      ["visited", "SUCCEEDED", null, undefined, undefined],
      [
        "unvisited",
        "FAILED",
        "The viewer who launched the task may not launch visit with this input any more.",
        "FORBIDDEN",
        null,
      ],
      ["gone", "FAILED", "The viewer who launched the task may not act any more.", "UNAUTHENTICATED", null],
      ["moved", "SUCCEEDED", part, "RECORD_MISSING", "9"],
    ]);
    const { rows } = await sql.query<{ id: number }>(
      "SELECT id FROM city WHERE notes = 'changed' ORDER BY id",
    );
    expect(rows.map(({ id }) => id)).toEqual([1, 5, 8]);
    expect((await sql.query("SELECT FROM powercrud.lock")).rowCount).toBe(0);
    expect(new Set(asked)).toEqual(new Set(["gone", "moved"]));
    expect(asked).toHaveLength(2);
    const words = noted.map(({ action, outcome, reason = outcome, viewerId }) =>
      [action, reason, viewerId].join(" "),
    );
    expect(words.toSorted((one, other) => one.localeCompare(other))).toEqual([
      "connect unknown gone",
      "key expired expired",
      "key no scope write reader",
      "key revoked revoked",
      "run forbidden narrowed",
    ]);
  });
});
