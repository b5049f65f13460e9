import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import demo from "../../powercrud.config.ts";
import { defineConfig, defineTask } from "../../src/index.ts";
import type { RequestHandler } from "../../src/server.ts";
import { createRequestHandler } from "../../src/server.ts";
import type { TestPowerCrud } from "../../src/testing.ts";
import { createTestPowerCrud, runInline, untilSettled } from "../../src/testing.ts";
import { overSocket, socketClient } from "./graphql-clients.ts";

const projectDir = resolve(import.meta.dirname, "../..");

let finish: () => void = () => undefined;
const config = defineConfig({
  ...demo,
  tasks: [
    defineTask({
      kind: "count",
      claims: ({ input }) => (input === 1 ? [{ model: "Tag", ids: "all" }] : []),
      run: async ({ input }) => ({ counted: input }),
    }),
    defineTask({
      kind: "linger",
      claims: ({ input }) => (input === null ? [{ model: "Tag", ids: "all" }] : []),
      run: () => new Promise<void>((done) => void (finish = done)),
    }),
  ],
});

let test: TestPowerCrud;
beforeAll(async () => {
  test = await createTestPowerCrud({ config, projectDir, databaseUrl: inject("postgresUrl") });
});
afterAll(async () => {
  finish();
  await test.stop();
});

describe("powercrud-graphql/testing", () => {
  it("runs queries and mutations on a database of its own, with the tables of the project", async () => {
    const created = await test.execute(
      "mutation Create($label: String!) { createTag(data: {label: $label}) { __typename } }",
      { variables: { label: "new" } },
    );
    expect(created).toEqual({ data: { createTag: { __typename: "CreateTagPayload" } } });
    expect(await test.execute("{ tags { totalCount } }")).toEqual({ data: { tags: { totalCount: 1 } } });
    expect(test.databaseUrl).not.toBe(inject("postgresUrl"));
  });

  it("waits until a bulk operation in the worker is settled", async () => {
    const launched = await test.powercrud.tasks.launchBulk({
      model: "Tag",
      operation: "CREATE",
      viewer: { id: "ada" },
      records: [{ label: "one" }, { label: "two" }],
      options: { mode: "ASYNC" },
    });
    if (launched.kind !== "LAUNCHED") {
      throw new Error(launched.message);
    }
    expect(await untilSettled(test.powercrud, launched.task.id)).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 2 },
    });
  });

  it("runs one of the project's tasks before it returns", async () => {
    const task = await runInline(test.powercrud, "count", 3);
    expect(task).toMatchObject({ status: "SUCCEEDED", result: { counted: 3 } });
  });

  it("says why a task was refused, and what became of one that takes too long", async () => {
    const launched = await test.powercrud.tasks.launch("linger", null);
    if (launched.kind !== "LAUNCHED") {
      throw new Error(launched.message);
    }
    await expect(runInline(test.powercrud, "count", 1)).rejects.toThrow(
      /the launch of count was refused \(CONFLICT\): /,
    );
    await expect(untilSettled(test.powercrud, launched.task.id, 200)).rejects.toThrow(
      /^Task \S+ is still (PENDING|RUNNING) after 200 ms\.$/,
    );
    finish();
    expect((await untilSettled(test.powercrud, launched.task.id)).status).toBe("SUCCEEDED");
  });
});

describe("powercrud-graphql/server", () => {
  let handler: RequestHandler;
  let server: Server;
  let url: string;
  beforeAll(async () => {
    const { powercrud } = test;
    handler = createRequestHandler({
      powercrud,
      listenHost: "127.0.0.1",
      authenticate: ({ headers }) => Promise.resolve({ id: headers.get("x-user") }),
    });
    server = createServer((request, response) => {
      if (handler.serves(request)) {
        void handler.handle(request, response);
      } else {
        response.end("the program's own page");
      }
    });
    server.on("upgrade", (request, socket, head) => handler.upgrade(request, socket, head));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  it("answers the API's paths in another server, and leaves it the others", async () => {
    expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({ isReady: true, problems: [] });
    for (const path of ["/", "/tasks", "/graphql/more"]) {
      expect(await (await fetch(`${url}${path}`)).text()).toBe("the program's own page");
    }
    const mutation =
      'mutation { bulkCreateTags(data: [{label: "mounted"}]) { ... on TaskLaunched { task { id createdBy } } } }';
    const launched = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-user": "grace" },
      body: JSON.stringify({ query: mutation }),
    });
    const { data } = (await launched.json()) as { data: { bulkCreateTags: { task: { id: string } } } };
    const { id } = data.bulkCreateTags.task;
    expect(data.bulkCreateTags.task).toEqual({ id, createdBy: "grace" });
    const records = await fetch(`${url}/tasks/${id}/records.jsonl`, { headers: { "x-user": "grace" } });
    expect(await records.text()).toMatch(/^\{"id":".*"outcome":"SUCCEEDED"\}\n$/);
  });

  it("serves subscriptions over WebSocket, and breaks them off when it is closed", async () => {
    const launched = await test.powercrud.tasks.launch("linger", "subscribed");
    if (launched.kind !== "LAUNCHED") {
      throw new Error(launched.message);
    }
    const codes: unknown[] = [];
    const client = socketClient(url, {
      on: { closed: (event) => codes.push((event as { code: number }).code) },
    });
    const states = overSocket(client, {
      query: "subscription Watch($id: ID!) { taskProgress(id: $id) { id } }",
      variables: { id: launched.task.id },
    });
    const { value } = await states.next();
    expect(value).toEqual({ data: { taskProgress: { id: launched.task.id } } });
    server.close();
    await handler.close();
    await expect.poll(() => codes).toEqual([1001]);
    await client.dispose();
    finish();
  });
});
