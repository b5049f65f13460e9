import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { createTaskReads } from "../../src/core/tasks/manager/create-task-manager.ts";
import { createRequestHandler } from "../../src/server/create-request-handler.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

const PAGE = "https://app.example";
const STRANGER = "https://evil.example";
const PREFLIGHT = {
  method: "OPTIONS",
  headers: {
    origin: PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type, authorization",
  },
};

let fixture: ServerFixture;
let paths: readonly string[];
beforeAll(async () => {
  fixture = await startServerFixture({ allowedOrigins: ["HTTPS://App.example:443/"] });
  const file = `/tasks/${await fixture.tasks.create()}/errors.jsonl`;
  paths = ["/graphql?query={__typename}", "/health/live", "/health/ready", file];
});
afterAll(() => fixture.stop());

function get(path: string, origin?: string): Promise<Response> {
  return fetch(fixture.server.url + path, { headers: origin === undefined ? {} : { origin } });
}

function headersAbout(response: Response, prefix: string): Record<string, string> {
  return Object.fromEntries([...response.headers].filter(([name]) => name.startsWith(prefix)));
}

describe("a page of an allowed origin", () => {
  it("reads the API, health and result files", async () => {
    for (const path of paths) {
      const response = await get(path, PAGE);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get("vary")).toMatch(/\bOrigin\b/);
      expect(headersAbout(response, "access-control-")).toEqual({
        "access-control-allow-origin": PAGE,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": expect.stringContaining("content-disposition"),
      });
    }
  });

  it("is answered its preflights, which its browser remembers", async () => {
    for (const path of paths) {
      const response = await fetch(fixture.server.url + path, PREFLIGHT);
      expect(response.status).toBe(204);
      expect(headersAbout(response, "access-control-allow-")).toEqual({
        "access-control-allow-origin": PAGE,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": path.startsWith("/graphql") ? "GET, POST" : "GET, HEAD",
        "access-control-allow-headers": "content-type, authorization",
      });
      expect(Number(response.headers.get("access-control-max-age"))).toBeGreaterThan(600);
    }
  });

  it("reads refusals, too", async () => {
    const response = await get("/nothing", PAGE);
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([404, PAGE]);
  });

  it("opens WebSockets", async () => {
    expect(await openSocket(PAGE)).toBe(101);
  });
});

describe("a page of another origin", () => {
  it("is refused on every route, with the setting that would allow it", async () => {
    for (const path of [...paths, "/nothing"]) {
      const response = await get(path, STRANGER);
      expect([path, response.status]).toEqual([path, 403]);
      expect(headersAbout(response, "access-control-")).toEqual({});
      expect(response.headers.get("vary")).toBe("Origin");
      const { errors } = (await response.json()) as { errors: readonly { readonly message: string }[] };
      expect(errors[0]?.message).toContain(`"${STRANGER}"`);
      expect(errors[0]?.message).toContain("POWERCRUD_ALLOWED_ORIGINS");
    }
  });

  it("is refused its preflights", async () => {
    const headers = { ...PREFLIGHT.headers, origin: STRANGER };
    for (const path of paths) {
      const response = await fetch(fixture.server.url + path, { ...PREFLIGHT, headers });
      expect([response.status, headersAbout(response, "access-control-")]).toEqual([403, {}]);
    }
  });

  it("opens no WebSocket", async () => {
    expect(await openSocket(STRANGER)).toBe(403);
  });
});

it("programs that send no origin are answered without CORS headers", async () => {
  for (const path of paths) {
    const response = await get(path);
    expect([response.status, headersAbout(response, "access-control-")]).toEqual([200, {}]);
    expect(response.headers.get("vary")).toMatch(/\bOrigin\b/);
  }
});

it("the handler for the web platform has the same policy", async () => {
  const handler = createRequestHandler({
    schema: (await import("graphql")).buildSchema("type Query { id: ID }"),
    listenHost: "0.0.0.0",
    logger: createSilentLogger(),
    allowedOrigins: [PAGE],
    tasks: createTaskReads(fixture.store),
  });
  for (const path of ["/graphql?query={__typename}", "/health/live"]) {
    const ask = (init: RequestInit): Promise<Response> =>
      handler.fetch(new Request(`http://api.example${path}`, init));
    const allowed = await ask({ headers: { origin: PAGE } });
    expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([200, PAGE]);
    const preflight = await ask(PREFLIGHT);
    expect([preflight.status, preflight.headers.get("access-control-max-age")]).toEqual([204, "7200"]);
    const refused = await ask({ headers: { origin: STRANGER } });
    expect([refused.status, headersAbout(refused, "access-control-")]).toEqual([403, {}]);
    expect(await refused.text()).toContain("POWERCRUD_ALLOWED_ORIGINS");
  }
});

it.each(["*", "app.example", "https://app.example/path", "ftp://app.example"])(
  "%s is refused as an allowed origin at start",
  async (origin) => {
    await expect(startServerFixture({ allowedOrigins: [origin] })).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message: expect.stringContaining(JSON.stringify(origin)),
    });
  },
);

/** @returns the HTTP status of the answer */
function openSocket(origin: string): Promise<number | undefined> {
  const url = `${fixture.server.url.replace("http", "ws")}/graphql`;
  const socket = new WebSocket(url, "graphql-transport-ws", { headers: { origin } });
  return new Promise((resolve, reject) => {
    socket.once("open", () => socket.terminate());
    socket.once("upgrade", (response) => resolve(response.statusCode));
    socket.once("unexpected-response", (_request, response) => {
      resolve(response.statusCode);
      response.destroy();
    });
    socket.once("error", reject);
  });
}

describe("by a name that only leads to this machine, or for another page's image", () => {
  const HEADERS = [
    { host: "rebound.example:4000" },
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
  ];

  it.each([...HEADERS, ...HEADERS.map((each) => ({ ...each, accept: "text/event-stream" }))])(
    "nothing is served over HTTP: %j",
    async (headers) => {
      const { hostname, port } = new URL(fixture.server.url);
      for (const path of [...paths, "/graphql", "/"]) {
        const status = await new Promise((resolve, reject) => {
          const asked = request({ hostname, port, path, headers }, (response) => {
            response.resume();
            resolve(response.statusCode);
          });
          asked.once("error", reject);
          asked.end();
        });
        expect([path, status]).toEqual([path, 403]);
      }
    },
  );

  it.each(HEADERS)("no WebSocket is opened: %j", async (headers) => {
    const url = `${fixture.server.url.replace("http", "ws")}/graphql`;
    const socket = new WebSocket(url, "graphql-transport-ws", { headers });
    socket.on("error", () => undefined);
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(403);
    socket.terminate();
  });

  it("nothing is served by a route of the web platform", async () => {
    const handler = createRequestHandler({
      schema: fixture.schema,
      listenHost: "127.0.0.1",
      logger: createSilentLogger(),
    });
    for (const headers of HEADERS) {
      const asked = new Request("http://127.0.0.1/graphql?query={__typename}", { headers });
      expect((await handler.fetch(asked)).status).toBe(403);
    }
    await handler.close();
  });
});
