import { setTimeout } from "node:timers/promises";
import type { Client } from "graphql-ws";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import demoConfig from "../../powercrud.config.ts";
import type { CliContext } from "../../src/cli/cli-context.ts";
import { createKey, listKeys, revokeKey } from "../../src/cli/commands/keys.ts";
import { completeConfig } from "../../src/config/config.ts";
import type { PowerCrud, PowerCrudService } from "../../src/index.ts";
import {
  createPowerCrud,
  createService,
  createSilentLogger,
  defineConfig,
  migrateDatabase,
} from "../../src/index.ts";
import { createRequestHandler } from "../../src/server.ts";
import { createCallers } from "../../src/server/callers/callers.ts";
import { createJwtVerifier } from "../../src/server/callers/jwt-verifier.ts";
import { nextWithin, withDeadline } from "../support/deadline.ts";
import { createManualClock } from "../support/manual-clock.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import type { ClientResults } from "./graphql-clients.ts";
import { overSocket, overSse, socketClient } from "./graphql-clients.ts";
import { startServerFixture } from "./server-fixture.ts";

const SECRET = "a secret of at least thirty-two characters";
/** Longer than what is open with a credential may outlive it. */
const ENDS_WITHIN_MS = 15_000;
const PROGRESS = `subscription ($id: ID!) { taskProgress(id: $id) { id } }`;
const EVENTS = `subscription { taskEvents { type } }`;
const REFUSAL = {
  errors: [
    {
      message: "Send Authorization: Bearer <API key or JWT>.",
      extensions: { code: "UNAUTHENTICATED" },
    },
  ],
};

function sign(claims: object, expiresAt: Date | string = "1h"): Promise<string> {
  const token = new SignJWT({ ...claims }).setProtectedHeader({ alg: "HS256" });
  return token.setExpirationTime(expiresAt).sign(new TextEncoder().encode(SECRET));
}

type Subscribe = (url: string, token: string, id?: string) => Promise<ClientResults>;

/** A socket whose request has the header, as programs send it. */
function withHeader(authorization: string): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { headers: { authorization } });
    }
  } as unknown as typeof WebSocket;
}

/** With an id the task's progress, else all events. */
function payloadOf(id: string | undefined) {
  return id === undefined ? { query: EVENTS } : { query: PROGRESS, variables: { id } };
}

/** Subscribes over a socket that is open already. */
async function subscribeOver(
  url: string,
  id: string | undefined,
  options: Parameters<typeof socketClient>[1],
): Promise<ClientResults> {
  const opening = new Promise<Client>((resolve) => {
    const client = socketClient(url, {
      ...options,
      lazy: false,
      onNonLazyError: () => undefined,
      on: { connected: () => resolve(client) },
    });
    onTestFinished(() => void client.dispose());
  });
  const client = await withDeadline(opening, 5000, "the socket");
  return overSocket(client, payloadOf(id));
}

const WAYS: readonly (readonly [string, Subscribe])[] = [
  [
    "WebSocket, by connectionParams",
    (url, token, id) => subscribeOver(url, id, { connectionParams: { authorization: `Bearer ${token}` } }),
  ],
  [
    "WebSocket, by the header",
    (url, token, id) => subscribeOver(url, id, { webSocketImpl: withHeader(`Bearer ${token}`) }),
  ],
  ["SSE", (url, token, id) => overSse(url, payloadOf(id), "POST", { authorization: `Bearer ${token}` })],
];

/** Reads until the service ends it. @returns how it did */
async function ended(results: ClientResults): Promise<unknown> {
  const next = results.next().then(() => "a result, or complete");
  try {
    return await Promise.race([next, setTimeout(ENDS_WITHIN_MS, "still open", { ref: false })]);
  } catch (error) {
    const { code, reason } = error as { code?: unknown; reason?: string };
    return code === undefined || reason === undefined ? "broken off" : [code, JSON.parse(reason)];
  }
}

const ENDS: Readonly<Record<string, unknown>> = {
  "WebSocket, by connectionParams": [4403, REFUSAL],
  "WebSocket, by the header": [4403, REFUSAL],
  SSE: "broken off",
};

describe("a token", () => {
  it.each(WAYS)("that expires ends what is open with it: %s", async (way, subscribe) => {
    const clock = createManualClock(new Date());
    const tokens = createJwtVerifier({ source: { secret: SECRET }, clock });
    const fixture = await startServerFixture({ callers: createCallers({ isRequired: true, tokens }) });
    onTestFinished(() => fixture.stop());
    const id = await fixture.tasks.create();
    const token = await sign({ sub: "ann" }, new Date(clock.now().getTime() + 60_000));
    const results = await subscribe(fixture.server.url, token, id);
    await nextWithin(results, 5000, "the task");
    clock.advance(89_000);
    expect(fixture.subscriberCount()).toBe(1);
    clock.advance(2000);
    expect(await ended(results)).toEqual(ENDS[way]);
  });
});

let database: TestDatabase;
beforeAll(async () => {
  // The commands refuse a database without a history of migrations.
  database = await createTestDatabase({ isEmpty: true });
  await migrateDatabase({ databaseUrl: database.url, projectDir: process.cwd() });
});
afterAll(() => database.drop());

type Settings = NonNullable<Parameters<typeof createService>[0]["settings"]>;

async function start(settings: Settings, config = demoConfig, isToStart = true): Promise<PowerCrudService> {
  const service = await createService({
    config,
    databaseUrl: database.url,
    role: "serve",
    settings: { port: 0, ...settings },
  });
  onTestFinished(() => service.stop());
  if (isToStart) {
    await service.start();
  }
  return service;
}

/** The lines of the audit log that commands have written. */
const audited: object[] = [];

/** Runs a command of the command line. @returns what it prints */
async function command(run: (context: CliContext) => Promise<void>): Promise<readonly string[]> {
  const lines: string[] = [];
  const logger = createSilentLogger();
  const auditLogger = { ...logger, info: (fields: object) => void audited.push(fields) };
  await run({
    config: completeConfig(),
    database: { databaseUrl: database.url, dataDir: "", logger },
    projectDir: process.cwd(),
    logger,
    auditLogger,
    print: (line: string) => void lines.push(line),
    say: () => undefined,
  } as unknown as CliContext);
  return lines;
}

const makeKey = async (options: Parameters<typeof createKey>[1]): Promise<string> =>
  (await command((context) => createKey(context, options)))[0] ?? "";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function ask(
  url: string,
  query: string,
  token?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, body: await response.json() };
}

const WHO = `{ viewer { id roles } }`;

describe("a service that requires authentication", () => {
  // setting: POWERCRUD_AUTH
  it("does not start without a way to authenticate, and says what to do", async () => {
    const service = await start({ auth: "required" }, demoConfig, false);
    await expect(service.start()).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining("npx powercrud keys create --name admin"),
    });
  });

  // setting: POWERCRUD_JWT_SECRET
  // setting: POWERCRUD_JWT_ISSUER
  // setting: POWERCRUD_JWT_AUDIENCE
  it("answers strangers alike on every way, and tells them nothing", async () => {
    const service = await start({
      auth: "required",
      jwtSecret: SECRET,
      jwtIssuer: "us",
      jwtAudience: "api",
    });
    const { url } = service;
    const known = await sign({ sub: "ann", iss: "us", aud: "api" });
    const foreign = await sign({ sub: "ann", iss: "them", aud: "api" });
    const elsewhere = await sign({ sub: "ann", iss: "us", aud: "mail" });
    expect(await ask(url, WHO, known)).toEqual({
      status: 200,
      body: { data: { viewer: { id: "ann", roles: [] } } },
    });
    for (const token of [undefined, foreign, elsewhere, "nonsense"]) {
      expect(await ask(url, WHO, token)).toEqual({ status: 401, body: REFUSAL });
      const sse = { accept: "text/event-stream" };
      const stream = await fetch(`${url}/graphql?query=${encodeURIComponent(EVENTS)}`, {
        headers: { ...sse, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      });
      expect(await stream.text()).toContain(JSON.stringify(REFUSAL));
      const client = socketClient(url, { connectionParams: { authorization: `Bearer ${token}` } });
      onTestFinished(() => void client.dispose());
      expect(await ended(overSocket(client, { query: WHO }))).toEqual([4403, REFUSAL]);
    }
    for (const path of [
      "/tasks/0195f8f0-0000-7000-8000-000000000001/errors.jsonl",
      "/tasks/0195f8f0-0000-7000-8000-000000000001/records.jsonl",
      "/queues/",
    ]) {
      const response = await fetch(`${url}${path}`);
      expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect(await response.json()).toEqual(REFUSAL);
    }
    expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({ isReady: true });
    const headers = { authorization: `Bearer ${known}` };
    expect(await (await fetch(`${url}/health/ready`, { headers })).json()).toEqual({
      isReady: true,
      problems: [],
    });
    const handler = createRequestHandler({ powercrud: service.powercrud, listenHost: "127.0.0.1" });
    const request = new Request("http://127.0.0.1/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: WHO }),
    });
    const answer = await handler.fetch(request);
    expect([answer.status, await answer.json()]).toEqual([401, REFUSAL]);
  });

  it("is ended with revoked keys in every process, whatever is open", async () => {
    const text = await makeKey({ name: "robot", viewer: `{"id": "robot", "roles": ["editor"]}` });
    const [one, other] = [await start({ auth: "required" }), await start({ auth: "required" })];
    expect(await ask(one.url, WHO, text)).toMatchObject({
      body: { data: { viewer: { id: "robot", roles: ["editor"] } } },
    });
    const open = await Promise.all(
      WAYS.flatMap(([way, subscribe]) =>
        [one.url, other.url].map(async (url) => ({ way, results: await subscribe(url, text) })),
      ),
    );
    const ends = open.map(({ results }) => ended(results));
    const [line = ""] = await command((context) => listKeys(context, {}));
    expect(line).toMatch(/^[0-9a-f]{12} {2}robot .*never expires, never used$/);
    expect(line).not.toContain(text.slice(17));
    await command((context) => revokeKey(context, "robot"));
    expect(await Promise.all(ends)).toEqual(open.map(({ way }) => ENDS[way]));
    for (const { url } of [one, other]) {
      expect(await ask(url, WHO, text)).toEqual({ status: 401, body: REFUSAL });
    }
    await expect(command((context) => revokeKey(context, "robot"))).rejects.toThrow("keys list");
    const key = expect.any(String) as string;
    const noted = [{ outcome: "made", key }, { outcome: "revoked", key }, { outcome: "missing" }];
    const ofKey = { log: "audit", action: "key", viewerId: null };
    expect(audited).toEqual(noted.map((each) => ({ ...ofKey, ...each })));
  });

  it("lets a key do what its scopes say", async () => {
    const text = await makeKey({ name: "reader", scopes: "read", expires: "90d" });
    const { url } = await start({ auth: "required" });
    const write = `mutation { deleteCity(id: "1") { __typename } }`;
    expect(await ask(url, WHO, text)).toMatchObject({ body: { data: { viewer: { id: "key:reader" } } } });
    const refused = [{ message: expect.stringContaining("scope write"), extensions: { code: "FORBIDDEN" } }];
    expect(await ask(url, write, text)).toMatchObject({ body: { errors: refused } });
    await expect(makeKey({ name: "reader" })).rejects.toThrow("revoke it first");
    await expect(makeKey({ name: "x", expires: "soon" })).rejects.toThrow("such as 90d");
    await expect(makeKey({ name: "x", scopes: "raed" })).rejects.toThrow("did you mean read?");
    await expect(makeKey({ name: "x", viewer: `{"id": "x", "roles": "admin"}` })).rejects.toThrow(
      "list of texts",
    );
  });

  // option: auth
  // option: auth.authenticate
  // option: auth.adminRole
  it("may be told by the app who asks, and who administers it", async () => {
    const config = defineConfig({
      ...demoConfig,
      auth: {
        authenticate: ({ headers, connectionParams }) => {
          const user = headers.get("x-user") ?? connectionParams?.["user"];
          return typeof user === "string" ? { id: user, roles: [user] } : null;
        },
        adminRole: "root",
      },
    });
    const { url } = await start({ auth: "required" }, config);
    expect(await ask(url, WHO)).toEqual({ status: 401, body: REFUSAL });
    expect(await ask(url, WHO, undefined, { "x-user": "ann" })).toMatchObject({
      body: { data: { viewer: { id: "ann", roles: ["ann"] } } },
    });
    const board = (user: string): Promise<Response> =>
      fetch(`${url}/queues/`, { headers: { "x-user": user } });
    expect((await board("admin")).status).toBe(403);
    expect((await board("root")).status).toBe(200);
    const client = socketClient(url, { connectionParams: { user: "bob" } });
    onTestFinished(() => void client.dispose());
    expect((await overSocket(client, { query: WHO }).next()).value).toMatchObject({
      data: { viewer: { id: "bob" } },
    });
  });

  // option: auth.viewerOf
  it("reads the viewer from a token as the config says", async () => {
    const config = defineConfig({
      ...demoConfig,
      auth: { viewerOf: ({ claims }) => ({ id: claims["email"] as string, roles: ["member"] }) },
    });
    const { url } = await start({ auth: "required", jwtSecret: SECRET }, config);
    expect(await ask(url, WHO, await sign({ email: "ann@example.com" }))).toMatchObject({
      body: { data: { viewer: { id: "ann@example.com", roles: ["member"] } } },
    });
  });

  // setting: POWERCRUD_INTROSPECTION
  // setting: POWERCRUD_GRAPHIQL
  it("shows its schema and GraphiQL only if told to, and an open one unless told not to", async () => {
    const schemaOf = `{ __schema { queryType { name } } }`;
    const page = async (url: string, path = "/graphql"): Promise<number> =>
      (await fetch(`${url}${path}`, { headers: { accept: "text/html" } })).status;
    const token = await sign({ sub: "ann" });
    const required = { auth: "required", jwtSecret: SECRET } as const;
    const closed = await start(required);
    const refused = [{ message: expect.stringContaining("POWERCRUD_INTROSPECTION") }];
    expect(await ask(closed.url, schemaOf, token)).toMatchObject({ body: { errors: refused } });
    const client = socketClient(closed.url, { connectionParams: { authorization: `Bearer ${token}` } });
    onTestFinished(() => void client.dispose());
    await expect(overSocket(client, { query: schemaOf }).next()).rejects.toMatchObject(refused);
    expect(await page(closed.url)).not.toBe(200);
    const shown = await start({ ...required, introspection: "true", graphiql: "true" });
    expect(await ask(shown.url, schemaOf, token)).toMatchObject({ body: { data: { __schema: {} } } });
    expect(await page(shown.url)).toBe(200);
    // setting: POWERCRUD_DASHBOARD
    const drawn = await start({ ...required, dashboard: "true" });
    expect(await ask(drawn.url, schemaOf, token)).toMatchObject({ body: { data: { __schema: {} } } });
    const open = await start({});
    const services = [drawn, closed, open];
    expect(await Promise.all(services.map(({ url }) => page(url, "/dashboard/")))).toEqual([200, 404, 200]);
    expect(await ask(open.url, schemaOf)).toMatchObject({ body: { data: { __schema: {} } } });
    const hidden = await start({ introspection: "false", graphiql: "false" });
    expect(await ask(hidden.url, schemaOf)).toMatchObject({ body: { errors: refused } });
    expect(await page(hidden.url)).not.toBe(200);
  });

  // setting: POWERCRUD_JWKS_URL
  it("refuses settings that contradict each other, and addresses without a word about callers", async () => {
    const settings = { jwtSecret: SECRET, jwksUrl: "https://login.example.com/keys" };
    const options = { config: demoConfig, databaseUrl: database.url };
    await expect(createPowerCrud({ ...options, settings })).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message: expect.stringContaining("both set"),
    });
    const made = async (more: Settings): Promise<PowerCrud> => {
      const powercrud = await createPowerCrud({ ...options, role: "client", settings: more });
      onTestFinished(() => powercrud.stop());
      await powercrud.start();
      return powercrud;
    };
    const powercrud = await made({});
    expect(() => createRequestHandler({ powercrud, listenHost: "0.0.0.0" })).toThrow("POWERCRUD_AUTH");
    expect(powercrud.authentication.callers.isRequired).toBe(false);
    const elsewhere = await made({ host: "0.0.0.0" });
    expect(elsewhere.authentication.callers.isRequired).toBe(true);
  });
});
