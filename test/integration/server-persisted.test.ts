import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../src/kernel/audit.ts";
import type { ClientResult } from "./graphql-clients.ts";
import { overSocket, overSse, socketClient } from "./graphql-clients.ts";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

const STORED = "query Who { whoAmI }";
const STORED_EVENTS = "subscription Breaks { breaks }";
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const byHash = (text: string) => ({
  query: "",
  extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(text) } },
});

let folder: string;
/** One with the folder beside what is sent, one with the folder only, and one without either. */
let open: ServerFixture;
let closed: ServerFixture;
let without: ServerFixture;
/** The audit log of the second. */
const audited: AuditEntry[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "persisted-"));
  await writeFile(join(folder, "who.graphql"), `${STORED}\n`);
  await writeFile(join(folder, "breaks.graphql"), STORED_EVENTS);
  open = await startServerFixture({ persisted: { folder } });
  closed = await startServerFixture({
    persisted: { folder, isFolderOnly: true },
    audit: (entry) => void audited.push(entry),
  });
  without = await startServerFixture({ persisted: { isAutomatic: false } });
});
afterAll(async () => {
  await Promise.all([open, closed, without].map((fixture) => fixture.stop()));
  await rm(folder, { recursive: true });
});

interface Payload {
  readonly query: string;
  readonly extensions?: Record<string, unknown>;
}
type Ask = (fixture: ServerFixture, payload: Payload) => Promise<ClientResult>;

const firstOf = async (results: AsyncIterableIterator<ClientResult>): Promise<ClientResult> => {
  try {
    return ((await results.next()) as { value: ClientResult }).value;
  } catch (error) {
    // Over WebSocket, errors without data are thrown at the reader.
    return { errors: error as NonNullable<ClientResult["errors"]> };
  }
};

const TRANSPORTS: readonly (readonly [string, Ask])[] = [
  [
    "POST",
    async ({ server }, payload) => {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ ...payload, query: payload.query || undefined });
      return (await fetch(`${server.url}/graphql`, { method: "POST", headers, body })).json() as never;
    },
  ],
  [
    "POST on yoga's way",
    async ({ server }, payload) => {
      const headers = { "content-type": "application/graphql+json" };
      const body = JSON.stringify(payload);
      return (await fetch(`${server.url}/graphql`, { method: "POST", headers, body })).json() as never;
    },
  ],
  [
    "GET",
    async ({ server }, { query, extensions }) => {
      const parameters = new URLSearchParams(query === "" ? {} : { query });
      parameters.set("extensions", JSON.stringify(extensions ?? {}));
      return (await fetch(`${server.url}/graphql?${parameters}`)).json() as never;
    },
  ],
  [
    "WebSocket",
    async ({ server }, payload) => {
      const client = socketClient(server.url);
      try {
        return await firstOf(overSocket(client, payload));
      } finally {
        await client.dispose();
      }
    },
  ],
  ["SSE", async ({ server }, payload) => firstOf(await overSse(server.url, payload))],
];

const codeOf = ({ errors }: ClientResult): unknown => errors?.[0]?.extensions?.["code"];

describe.each(TRANSPORTS)("over %s", (_transport, ask) => {
  it("a document of the folder is executed by its hash", async () => {
    expect(await ask(open, byHash(STORED))).toMatchObject({ data: { whoAmI: null } });
    expect(await ask(closed, byHash(STORED))).toMatchObject({ data: { whoAmI: null } });
  });

  it("a document that was sent once is executed by its hash from then on", async () => {
    const query = `{ whoAmI again${_transport.replaceAll(/\W/g, "")}: __typename }`;
    expect(codeOf(await ask(open, byHash(query)))).toBe("PERSISTED_QUERY_NOT_FOUND");
    expect(await ask(open, { ...byHash(query), query })).toMatchObject({ data: { whoAmI: null } });
    expect(await ask(open, byHash(query))).toMatchObject({ data: { whoAmI: null } });
  });

  it("a wrong hash is refused, and nothing is kept under it", async () => {
    const refused = await ask(open, { ...byHash("{ other }"), query: "{ whoAmI }" });
    expect(codeOf(refused)).toBe("BAD_REQUEST");
    expect(codeOf(await ask(open, byHash("{ other }")))).toBe("PERSISTED_QUERY_NOT_FOUND");
  });

  it("where only the folder counts, every other document is refused", async () => {
    expect(await ask(closed, { query: STORED })).toMatchObject({ data: { whoAmI: null } });
    const query = "{ whoAmI __typename }";
    audited.length = 0;
    expect(codeOf(await ask(closed, { query }))).toBe("PERSISTED_QUERY_ONLY");
    expect(codeOf(await ask(closed, { ...byHash(query), query }))).toBe("PERSISTED_QUERY_ONLY");
    expect(codeOf(await ask(closed, byHash(query)))).toBe("PERSISTED_QUERY_NOT_FOUND");
    const line = { action: "document", outcome: "persisted_query_only", viewerId: null };
    expect(audited).toMatchObject([line, line]);
  });

  it("a service without any says so", async () => {
    expect(codeOf(await ask(without, byHash(STORED)))).toBe("PERSISTED_QUERY_NOT_SUPPORTED");
    expect(await ask(without, { query: STORED })).toMatchObject({ data: { whoAmI: null } });
  });
});

it.each(TRANSPORTS.filter(([name]) => ["WebSocket", "SSE"].includes(name)))(
  "subscriptions are guarded, too: %s",
  async (_transport, ask) => {
    expect(await ask(closed, byHash(STORED_EVENTS))).toMatchObject({ data: { breaks: 1 } });
    expect(codeOf(await ask(closed, { query: "subscription { breaks }" }))).toBe("PERSISTED_QUERY_ONLY");
  },
);

it("a document may be named by `documentId`, and one in the body itself is guarded", async () => {
  const url = `${closed.server.url}/graphql`;
  const byId = { documentId: `sha256:${hashOf(STORED)}` };
  const headers = { "content-type": "application/json" };
  const posted = await fetch(url, { method: "POST", headers, body: JSON.stringify(byId) });
  expect(await posted.json()).toEqual({ data: { whoAmI: null } });
  expect(await (await fetch(`${url}?${new URLSearchParams(byId)}`)).json()).toEqual({
    data: { whoAmI: null },
  });
  const plain = { "content-type": "application/graphql" };
  const bare = await fetch(url, { method: "POST", headers: plain, body: "{ whoAmI __typename }" });
  expect(codeOf((await bare.json()) as ClientResult)).toBe("PERSISTED_QUERY_ONLY");
});

it("a folder that is missing or empty is refused at start", async () => {
  for (const persisted of [{ folder: join(folder, "none") }, { isFolderOnly: true }]) {
    await expect(startServerFixture({ persisted })).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  }
});
