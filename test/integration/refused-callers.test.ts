import { SignJWT } from "jose";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { createApiKey, createFirstApiKey, revokeApiKey } from "../../src/compose/manage-keys.ts";
import { completeConfig } from "../../src/config/config.ts";
import type { PowerCrudService } from "../../src/index.ts";
import { AppError, createService, createSilentLogger } from "../../src/index.ts";
import { createAudit } from "../../src/kernel/audit.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
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

    const headers = { "x-request-id": "edge-1", origin: "https://elsewhere.example" };
    expect(await noted(fetch(`${url}/graphql?query={__typename}`, { headers }))).toEqual([
      { action: "connect", outcome: "forbidden", reason: "origin", viewerId: null },
    ]);
    expect(await noted(fetch(`${url}/health/ready`))).toEqual([]);
    await revokeApiKey(address, "worn");
    expect(lines.splice(0)).toEqual([
      { log: "audit", action: "key", outcome: "revoked", viewerId: null, key },
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

// setting: POWERCRUD_MAX_FAILED_SIGN_INS
// setting: POWERCRUD_MAX_CONNECTIONS_PER_VIEWER
it("maxFailedSignIns, maxConnectionsPerViewer: wrong keys from an address, and event streams of a viewer", async () => {
  const service = await start({
    settings: { maxFailedSignIns: 2, maxConnectionsPerViewer: 1 },
    authenticate: ({ headers }) => {
      const id = headers.get("authorization");
      return id === "wrong" ? Promise.reject(new AppError("FORBIDDEN", "Not you.")) : Promise.resolve({ id });
    },
  });
  const query = encodeURIComponent("subscription { taskEvents { type } }");
  const ask = async (authorization: string): Promise<number> => {
    const headers = { authorization, accept: "text/event-stream" };
    return (await fetch(`${service.url}/graphql?query=${query}`, { headers })).status;
  };
  expect([await ask("ann"), await ask("ann"), await ask("ben")]).toEqual([200, 429, 200]);
  expect([await ask("wrong"), await ask("wrong"), await ask("wrong")]).toEqual([200, 200, 429]);
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
