import { SignJWT } from "jose";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { AuditEntry } from "../../src/kernel/audit.ts";
import { createSystemClock } from "../../src/kernel/clock.ts";
import { createCallers } from "../../src/server/callers/callers.ts";
import { createJwtVerifier } from "../../src/server/callers/jwt-verifier.ts";
import { overSocket, socketClient } from "./graphql-clients.ts";
import { startServerFixture } from "./server-fixture.ts";

const SECRET = "a secret of at least thirty-two characters";
const sign = (sub: string): Promise<string> =>
  new SignJWT({ sub })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));

interface Knock {
  /** Of HTTP, or of the close of the WebSocket. */
  readonly status: number;
  readonly code: unknown;
  readonly retryAfter?: string | null;
}

const codeIn = (text: string): unknown => /"code":"(\w+)"/.exec(text)?.[1];
const overHttp =
  (accept: string) =>
  async (url: string, token: string): Promise<Knock> => {
    const headers = { accept, authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/graphql?query={whoAmI}`, { headers });
    const retryAfter = response.headers.get("retry-after");
    return { status: response.status, code: codeIn(await response.text()), retryAfter };
  };

/** How callers ask who they are, and what they get. */
const KNOCKS: readonly (readonly [string, (url: string, token: string) => Promise<Knock>])[] = [
  ["GET", overHttp("application/json")],
  ["SSE", overHttp("text/event-stream")],
  [
    "WebSocket",
    async (url, token) => {
      const client = socketClient(url, { connectionParams: { authorization: `Bearer ${token}` } });
      try {
        await overSocket(client, { query: "{ whoAmI }" }).next();
        return { status: 200, code: undefined };
      } catch (error) {
        const { code, reason } = error as { readonly code: number; readonly reason: string };
        return { status: code, code: codeIn(reason) };
      } finally {
        await client.dispose();
      }
    },
  ],
];

describe.each(KNOCKS)("over %s,", (transport, knock) => {
  const isSocket = transport === "WebSocket";
  const REFUSED = { status: isSocket ? 4403 : 401, code: "UNAUTHENTICATED" };
  const LIMITED = {
    status: isSocket ? 1013 : 429,
    code: "RATE_LIMITED",
    ...(isSocket ? {} : { retryAfter: expect.stringMatching(/^[1-9]\d?$/) as string }),
  };

  it("an address whose sign-ins fail too often may try no more; who is known is let in", async () => {
    const lines: AuditEntry[] = [];
    const looked: string[] = [];
    const tokens = createJwtVerifier({ source: { secret: SECRET }, clock: createSystemClock() });
    const guarded = await startServerFixture({
      callers: createCallers({
        isRequired: true,
        tokens: {
          known: (text) => tokens.known(text),
          verify(text) {
            looked.push(text);
            return tokens.verify(text);
          },
        },
      }),
      maxFailedSignIns: 3,
      audit: (entry) => void lines.push(entry),
    });
    onTestFinished(() => guarded.stop());
    const { url } = guarded.server;
    const [known, late] = [await sign("ann"), await sign("ben")];
    expect(await knock(url, known)).toMatchObject({ status: 200 });
    for (let time = 0; time < 3; time += 1) {
      expect(await knock(url, `wrong${time}`)).toMatchObject(REFUSED);
    }
    expect(await knock(url, "wrong")).toMatchObject(LIMITED);
    expect(await knock(url, late)).toMatchObject(LIMITED);
    expect(await knock(url, known)).toMatchObject({ status: 200 });
    expect(looked).toEqual([known, "wrong0", "wrong1", "wrong2"]);
    const line = { action: "connect", viewerId: null, peer: expect.stringContaining("127.0.0.1") as string };
    expect(lines).toMatchObject([
      ...Array.from({ length: 3 }, () => ({ ...line, outcome: "unauthenticated", reason: "invalid" })),
      ...Array.from({ length: 2 }, () => ({ ...line, outcome: "rate_limited", reason: "failed sign-ins" })),
    ]);
    expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(5);
    expect(JSON.stringify(lines)).not.toMatch(/wrong|eyJ/);
  });
});

describe.each([
  ["WebSocket", "SSE"],
  ["SSE", "WebSocket"],
])("a viewer has so many connections, and one more over %s is refused", (last, first) => {
  it("until another one is closed, whatever that is", async () => {
    const lines: AuditEntry[] = [];
    const limited = await startServerFixture({
      limits: { maxConnectionsPerViewer: 2 },
      authenticate: ({ headers, connectionParams }) => ({
        id: headers.get("x-user") ?? String(connectionParams?.["user"]),
      }),
      audit: (entry) => void lines.push(entry),
    });
    onTestFinished(() => limited.stop());
    const { url } = limited.server;
    const payload = { query: "subscription { taskEvents { type } }" };
    const open = async (transport: string, user = "ann"): Promise<{ close: () => Promise<unknown> }> => {
      if (transport === "SSE") {
        const controller = new AbortController();
        const headers = { accept: "text/event-stream", "x-user": user };
        const query = new URLSearchParams(payload).toString();
        const response = await fetch(`${url}/graphql?${query}`, { headers, signal: controller.signal });
        if (response.status !== 200) {
          throw new Error(
            `${response.status} ${response.headers.get("retry-after")} ${await response.text()}`,
          );
        }
        return { close: async () => controller.abort() };
      }
      return new Promise((resolve, reject) => {
        const client = socketClient(url, {
          connectionParams: { user },
          lazy: false,
          onNonLazyError: () => undefined,
          on: {
            connected: () => resolve({ close: async () => client.dispose() }),
            closed: (event) => {
              const { code, reason } = event as { readonly code: number; readonly reason: string };
              reject(new Error(`${code} ${reason}`));
            },
          },
        });
      });
    };
    const opened = [await open(first), await open(last)];
    const told =
      /^(429 5|1013) .*"message":"At most 2 connections per viewer\. Close some first\.".*LIMIT_EXCEEDED/s;
    await expect(open(last)).rejects.toThrow(told);
    const other = await open(last, "ben");
    await opened[0]?.close();
    // The service hears of it a little later.
    const again = await vi.waitFor(() => open(last), { timeout: 10_000, interval: 20 });
    await expect(open(first)).rejects.toThrow(told);
    expect(lines[0]).toMatchObject({
      action: "connect",
      outcome: "limit",
      reason: "connections",
      viewerId: "ann",
      requestId: expect.any(String) as string,
      peer: expect.stringContaining("127.0.0.1") as string,
    });
    await Promise.all([other.close(), again.close(), opened[1]?.close()]);
    expect(limited.logged).toEqual([]);
  });
});
