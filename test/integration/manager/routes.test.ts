import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { resolve } from "node:path";
import type { RequestHandler } from "../../../src/server.ts";
import { createRequestHandler } from "../../../src/server.ts";
import type { TestPowerCrud } from "../../../src/testing.ts";
import { createTestPowerCrud } from "../../../src/testing.ts";
import { withDeadline } from "../../support/deadline.ts";
import { config, count } from "./counting-config.ts";

let test: TestPowerCrud;
let api: RequestHandler;

beforeAll(async () => {
  const projectDir = resolve(import.meta.dirname, "../../..");
  test = await createTestPowerCrud({ config, projectDir, databaseUrl: inject("postgresUrl") });
  api = createRequestHandler({
    powercrud: test.powercrud,
    listenHost: "127.0.0.1",
    authenticate: ({ headers }) => Promise.resolve({ id: headers.get("x-user") }),
  });
});
afterAll(async () => {
  await api.close();
  await test.stop();
});

const CREATE = `mutation ($label: String!) { createTag(data: {label: $label}) { __typename } }`;
const post = (label: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ query: CREATE, variables: { label } }),
});
const CREATED = { data: { createTag: { __typename: "CreateTagPayload" } } };

/** What each server must do: the API at its paths, and a route of its own that launches a task and waits for it. */
async function tryServer(url: string, label: string): Promise<void> {
  expect(await (await fetch(`${url}/graphql`, post(label))).json()).toEqual(CREATED);
  expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({ isReady: true, problems: [] });
  const counted = await fetch(`${url}/count/4`, { method: "POST", headers: { "x-user": "ada" } });
  expect(await counted.json()).toMatchObject({ status: "SUCCEEDED", counted: 4, by: "ada" });
  const refused = await fetch(`${url}/count/0`, { method: "POST" });
  expect([refused.status, await refused.json()]).toEqual([422, { refusal: "INVALID" }]);
}

/** Launches a task for a request, and answers with how it ended. */
async function countFor(
  to: number,
  user: string | null,
  signal?: AbortSignal,
): Promise<{ readonly status: number; readonly body: object }> {
  const { tasks } = test;
  const launched = await tasks.launch(count, to, { viewer: { id: user }, mode: "ASYNC" });
  if (launched.kind !== "LAUNCHED") {
    return { status: 422, body: { refusal: launched.kind } };
  }
  const limits = { timeoutMs: 20_000, ...(signal === undefined ? {} : { signal }) };
  const { status, result, viewer } = await tasks.wait(launched.task, limits);
  return { status: 200, body: { status, counted: result?.counted, by: viewer.id } };
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

describe("the API and the task manager", () => {
  it("work in Express 5", async () => {
    const app = express();
    app.use((request, response, next) => {
      if (api.serves(request)) {
        void api.handle(request, response);
      } else {
        next();
      }
    });
    app.use(express.json());
    app.post("/count/:to", (request, response, next) => {
      countFor(Number(request.params.to), request.get("x-user") ?? null).then(
        ({ status, body }) => response.status(status).json(body),
        next,
      );
    });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      await expect(tryServer(urlOf(server), "express")).resolves.toBeUndefined();
    } finally {
      server.close();
    }
  });

  it("work in Fastify 5", async () => {
    const app = fastify({
      // The API reads its own bodies, so its requests do not go through Fastify.
      serverFactory: (handler) =>
        createServer((request, response) => {
          if (api.serves(request)) {
            void api.handle(request, response);
          } else {
            handler(request, response);
          }
        }),
    });
    app.post<{ Params: { to: string } }>("/count/:to", async (request, reply) => {
      const user = request.headers["x-user"];
      const { status, body } = await countFor(
        Number(request.params.to),
        typeof user === "string" ? user : null,
      );
      return reply.code(status).send(body);
    });
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    try {
      await expect(tryServer(url, "fastify")).resolves.toBeUndefined();
    } finally {
      await app.close();
    }
  });

  it("work in route handlers that take a Request and return a Response", async () => {
    const routes = async (request: Request): Promise<Response> => {
      const to = /^\/count\/(\d+)$/.exec(new URL(request.url).pathname)?.[1];
      if (to === undefined) {
        return api.fetch(request);
      }
      const { status, body } = await countFor(Number(to), request.headers.get("x-user"), request.signal);
      return Response.json(body, { status });
    };
    const call = async (path: string, init?: RequestInit): Promise<Response> =>
      routes(new Request(`http://127.0.0.1${path}`, init));
    expect(await (await call("/graphql", post("next"))).json()).toEqual(CREATED);
    expect(await (await call("/health/ready")).json()).toEqual({ isReady: true, problems: [] });
    expect(await (await call("/health/live")).json()).toEqual({ isLive: true });
    expect(await (await call("/count/4", { headers: { "x-user": "ada" } })).json()).toMatchObject({
      by: "ada",
    });
    expect((await call("/count/0")).status).toBe(422);
  });

  it("refuse there what the server refuses", async () => {
    const call = (path: string, init?: RequestInit): Promise<Response> =>
      api.fetch(new Request(`http://127.0.0.1${path}`, init));
    const form = await call("/graphql", { method: "POST", body: "query={tags{totalCount}}" });
    const nowhere = await call("/graphql/more");
    const foreign = await call("/graphql", {
      ...post("foreign"),
      headers: { "content-type": "application/json", origin: "https://evil.example", host: "127.0.0.1" },
    });
    expect([form.status, nowhere.status, foreign.status]).toEqual([415, 404, 403]);
    expect(await foreign.json()).toEqual({
      errors: [
        {
          message:
            'Pages of the origin "https://evil.example" may not use this service. Its operator can allow them with the setting POWERCRUD_ALLOWED_ORIGINS.',
          extensions: { code: "VALIDATION_FAILED" },
        },
      ],
    });
  });

  it("stream the progress of a task as events, which a stop breaks off", async () => {
    const own = createRequestHandler({ powercrud: test.powercrud, listenHost: "127.0.0.1" });
    const subscribe = (id: string): Promise<Response> =>
      own.fetch(
        new Request("http://127.0.0.1/graphql", {
          method: "POST",
          headers: { "content-type": "application/json", accept: "text/event-stream" },
          body: JSON.stringify({
            query: "subscription ($id: ID!) { taskProgress(id: $id) { status } }",
            variables: { id },
          }),
        }),
      );
    const launched = await test.tasks.launch(count, 2, { mode: "SYNC" });
    const id = launched.kind === "LAUNCHED" ? launched.task.id : "";
    const ended = await (await subscribe(id)).text();
    expect(ended).toContain('"status":"SUCCEEDED"');
    expect(ended).toContain("event: complete");

    const held = await test.tasks.reserve([{ model: "Tag", ids: "all" }]);
    const reader = (await subscribe(held.kind === "RESERVED" ? held.reservation.id : "")).body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    expect(first).not.toContain("event: complete");
    const readOn = async (): Promise<void> => {
      while (!(await reader?.read())?.done);
    };
    const reading = readOn().then(
      () => "ended",
      (error: unknown) => String(error),
    );
    await own.close();
    expect(await withDeadline(reading, 5000, "the end of the stream")).toContain("The service is stopping");
    if (held.kind === "RESERVED") {
      await held.reservation.release();
    }
  });
});
