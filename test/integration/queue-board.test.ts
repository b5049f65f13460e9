import { afterAll, beforeAll, describe, expect, it } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrudService } from "../../src/index.ts";
import { createService, defineConfig, defineTask } from "../../src/index.ts";
import { createRequestHandler } from "../../src/server.ts";
import { createCallers } from "../../src/server/callers/callers.ts";
import { createQueueBoardHandler } from "../../src/server/queue-board-handler.ts";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createTestDatabase } from "../support/test-database.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestRedis } from "../support/test-redis.ts";

const idle = defineTask({ kind: "idle", run: async () => undefined });
const redis = createTestRedis();

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await redis.drop();
  await database.drop();
});

/** Serves without a worker, so that a task stays in the queue. */
function start(settings: object): Promise<PowerCrudService> {
  const config = defineConfig({ ...demoConfig, tasks: [idle] });
  return createService({
    config,
    databaseUrl: database.url,
    role: "serve",
    settings: { port: 0, ...settings },
  });
}

describe.each([
  ["PostgreSQL", {}],
  ["Redis", { backend: "redis", redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix }],
])("Bull Board on %s", (name, settings) => {
  let service: PowerCrudService;
  beforeAll(async () => {
    service = await start(settings);
    await service.start();
  });
  afterAll(() => service.stop());

  it("shows the queue's tasks, and changes nothing", async () => {
    const page = await fetch(`${service.url}/queues`);
    expect([page.status, page.url]).toEqual([200, `${service.url}/queues/`]);
    expect(await page.text()).toContain('<base href="/queues/"');
    // Its fonts are Google's; a browser must not ask for them.
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'self'/);

    const launched = await service.powercrud.tasks.launch(idle, name, { mode: "ASYNC" });
    const id = launched.kind === "LAUNCHED" ? launched.task.id : "";
    const list = `${service.url}/queues/api/queues?activeQueue=powercrud-tasks&status=waiting`;
    const { queues } = (await (await fetch(list)).json()) as {
      queues: { name: string; readOnlyMode: boolean; jobs: { data: object }[] }[];
    };
    expect(queues).toMatchObject([{ name: "powercrud-tasks", readOnlyMode: true }]);
    expect(JSON.stringify(queues)).toContain(id);

    const drain = await fetch(`${service.url}/queues/api/queues/powercrud-tasks/empty`, { method: "PUT" });
    expect([drain.status, await drain.json()]).toMatchObject([
      405,
      { errors: [{ message: "The board can only be looked at." }] },
    ]);
    const foreign = await fetch(list, { headers: { origin: "https://elsewhere.example" } });
    expect(foreign.status).toBe(403);
  });
});

/** Serves the handler; answers with what a request gets. */
async function ask(
  listener: RequestListener,
  headers: Record<string, string> = {},
): Promise<[number, string]> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/queues/`, {
      headers,
    });
    return [response.status, await response.text()];
  } finally {
    server.close();
  }
}

describe("Bull Board is not shown", () => {
  const board = (listenHost: string): RequestListener => {
    const handle = createQueueBoardHandler({
      open: () => Promise.resolve(undefined),
      listenHost,
      isLocal: (host) => host === "127.0.0.1",
      callers: createCallers({ isRequired: false }),
    });
    return (request, response) => void handle(request, response);
  };

  it("where its packages are missing: one line says how to install them", async () => {
    const [status, text] = await ask(board("127.0.0.1"));
    expect(status).toBe(404);
    expect(text).toContain("npm install @bull-board/api@9 @bull-board/express@9");
  });

  it("where the service listens on other addresses, and says why", async () => {
    const powercrud = (await start({ auth: "none" })).powercrud;
    const api = createRequestHandler({ powercrud, listenHost: "0.0.0.0" });
    const [status, text] = await ask((request, response) => void api.handle(request, response));
    expect(status).toBe(403);
    expect(text).toContain("only where the service listens on a loopback address");
    await api.close();
    await powercrud.stop();
  });
});
