import { connect } from "node:net";
import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { AppError } from "../../src/kernel/app-error.ts";
import type { HttpServerOptions } from "../../src/server/server-options.ts";
import { withDeadline } from "../support/deadline.ts";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

async function start(options: Partial<HttpServerOptions> = {}): Promise<ServerFixture> {
  const fixture = await startServerFixture(options);
  onTestFinished(() => fixture.stop());
  return fixture;
}

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: unknown;
    readonly extensions?: object;
  }[];
}

async function ask(
  { server }: Pick<ServerFixture, "server">,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<Answer & { readonly status: number }> {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...((await response.json()) as Answer) };
}

describe("GraphQL over HTTP", () => {
  let fixture: ServerFixture;
  beforeAll(async () => {
    fixture = await startServerFixture();
  });
  afterAll(() => fixture.stop());

  const audits = serverAudits({ url: () => `${fixture.server.url}/graphql` });

  it("has all audits to pass", () => {
    expect(audits).toHaveLength(61);
  });

  it.each(audits)("passes audit $id: $name", async (audit) => {
    expect(await audit.fn()).toMatchObject({ status: "ok" });
  });
});

describe("tasks over HTTP", () => {
  it("reads a task with its history and its errors", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create({ viewer: { id: "ann" } });
    await fixture.tasks.start(id);
    await fixture.tasks.settle(id, [
      { recordId: "7", outcome: "FAILED", code: "CONSTRAINT_VIOLATED", message: "Taken.", field: "name" },
      { recordId: "8", outcome: "SKIPPED", code: "RECORD_MISSING", message: "Gone." },
    ]);
    const query = `query ($id: ID!) { task(id: $id) {
      id kind model status createdBy attempt input message
      progress { total processed succeeded failed percent }
      errors(first: 1) { totalCount nodes { recordId outcome field code message } pageInfo { hasNextPage endCursor } }
      events { totalCount nodes { sequence type } }
    } }`;
    const { data, errors } = await ask(fixture, query, { id: id.toUpperCase() });
    expect(errors).toBeUndefined();
    expect(data?.["task"]).toEqual({
      id,
      kind: "bulkUpdate",
      model: "City",
      status: "PARTIAL",
      createdBy: "ann",
      attempt: 1,
      input: { selection: { where: {} } },
      message: "done",
      progress: { total: 100, processed: 100, succeeded: 98, failed: 2, percent: 100 },
      errors: {
        totalCount: 2,
        nodes: [
          { recordId: "7", outcome: "FAILED", field: "name", code: "CONSTRAINT_VIOLATED", message: "Taken." },
        ],
        pageInfo: { hasNextPage: true, endCursor: expect.any(String) },
      },
      events: {
        totalCount: 4,
        nodes: [
          { sequence: 1, type: "CREATE" },
          { sequence: 2, type: "START" },
          { sequence: 3, type: "COMPLETE" },
          { sequence: 4, type: "CLEANUP" },
        ],
      },
    });
  });

  it("lists tasks newest first, page by page, filtered", async () => {
    const fixture = await start();
    const ids: string[] = [];
    for (const kind of ["a", "b", "a", "a"]) {
      ids.unshift(await fixture.tasks.create({ kind }));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const query = `query ($after: String, $where: TaskWhere) {
      tasks(first: 2, after: $after, where: $where) {
        totalCount edges { cursor node { id events { nodes { type } } } } pageInfo { hasNextPage hasPreviousPage endCursor }
      }
    }`;
    interface Tasks {
      readonly totalCount: number;
      readonly edges: readonly { readonly node: { readonly id: string } }[];
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
    }
    const first = (await ask(fixture, query)).data?.["tasks"] as Tasks;
    expect(first).toMatchObject({ totalCount: 4, pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    const second = (await ask(fixture, query, { after: first.pageInfo.endCursor })).data?.["tasks"] as Tasks;
    expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    expect([...first.edges, ...second.edges].map(({ node }) => node.id)).toEqual(ids);
    const where = { kinds: ["b"], statuses: ["PENDING"], models: ["City"], createdBy: null };
    const filtered = (await ask(fixture, query, { where })).data?.["tasks"] as Tasks;
    expect(filtered.edges.map(({ node }) => node.id)).toEqual([ids[2]]);
  });

  it("finds no task by a malformed id, and refuses a malformed page with the reason", async () => {
    const fixture = await start();
    expect((await ask(fixture, `{ task(id: "'; drop table") { id } }`)).data).toEqual({ task: null });
    const listed = await ask(fixture, `{ tasks(where: {ids: ["nonsense"]}) { totalCount } }`);
    expect(listed.data).toEqual({ tasks: { totalCount: 0 } });
    for (const args of [`first: -1`, `first: 100000`, `after: "nonsense"`]) {
      const { errors } = await ask(fixture, `{ tasks(${args}) { totalCount } }`);
      expect(errors?.[0]).toMatchObject({ extensions: { code: "VALIDATION_FAILED" }, path: ["tasks"] });
    }
  });
});

describe("errors over HTTP", () => {
  it("are masked if unexpected, and logged once", async () => {
    const fixture = await start();
    const { errors } = await ask(fixture, `{ one: fail two: refuse }`);
    expect(errors).toMatchObject([{ message: "Unexpected error.", extensions: { code: "INTERNAL" } }]);
    expect(JSON.stringify(errors)).not.toContain("12345");
    expect(fixture.logged).toHaveLength(1);
    expect(fixture.logged[0]?.fields).toMatchObject({ err: { message: "the password is 12345" } });
  });

  it("have a code and details if expected", async () => {
    const fixture = await start();
    expect((await ask(fixture, `{ refuse }`)).errors).toMatchObject([
      { message: "Too many cities.", path: ["refuse"], extensions: { code: "LIMIT_EXCEEDED", limit: 3 } },
    ]);
    expect(fixture.logged).toEqual([]);
  });

  it("name the fault of a variable", async () => {
    const fixture = await start();
    const query = `query ($moment: DateTime!) { at(moment: $moment) }`;
    const { errors } = await ask(fixture, query, { moment: "yesterday" });
    expect(errors?.[0]?.message).toMatch(/\$moment.*yesterday/);
  });

  it("are not raised by 100,000 ids in one mutation, but by a body above the limit", async () => {
    const fixture = await start();
    const ids = Array.from({ length: 100_000 }, (_, at) => String(1_000_000 + at));
    const query = `mutation ($ids: [ID!]!) { count(ids: $ids) }`;
    expect((await ask(fixture, query, { ids })).data).toEqual({ count: 100_000 });
    const small = await start({ limits: { maxBodyBytes: 1000 } });
    expect(await ask(small, query, { ids })).toMatchObject({
      status: 413,
      errors: [{ message: expect.stringContaining("1000 bytes"), extensions: { code: "LIMIT_EXCEEDED" } }],
    });
  });

  it("are raised by a body above the limit without a length", async () => {
    const small = await start({ limits: { maxBodyBytes: 1000 } });
    const response = await fetch(`${small.server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob(["x".repeat(100_000)]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "LIMIT_EXCEEDED" } }] });
    expect(small.logged).toEqual([]);
  });
});

describe("callers", () => {
  const authenticate: HttpServerOptions["authenticate"] = ({ headers }) => {
    const key = headers.get("x-key");
    if (key === "broken") {
      throw new Error("the password is 12345");
    }
    if (key === null) {
      throw new AppError("NOT_FOUND", "Send a key.");
    }
    return Promise.resolve({ id: key });
  };

  it("are viewers as the app authenticates them", async () => {
    const fixture = await start({ authenticate });
    expect((await ask(fixture, `{ whoAmI }`, {}, { "x-key": "ann" })).data).toEqual({ whoAmI: "ann" });
    expect((await ask(fixture, `{ whoAmI }`)).errors).toMatchObject([{ message: "Send a key." }]);
    const broken = await ask(fixture, `{ whoAmI }`, {}, { "x-key": "broken" });
    expect(broken).toMatchObject({ status: 500, errors: [{ message: "Unexpected error." }] });
    expect(fixture.logged).toHaveLength(1);
  });

  it("are anonymous by default", async () => {
    expect((await ask(await start(), `{ whoAmI }`)).data).toEqual({ whoAmI: null });
  });

  it.each([
    ["https://evil.example", 403],
    ["null", 403],
    ["http://localhost:5173", 200],
    ["https://app.example", 200],
  ])("from pages of origin %s get %i", async (origin, status) => {
    const fixture = await start({ allowedOrigins: ["https://app.example"] });
    const response = await fetch(`${fixture.server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", origin },
      body: JSON.stringify({ query: "{ __typename }" }),
    });
    expect(response.status).toBe(status);
    expect(response.headers.get("access-control-allow-origin")).toBe(status === 200 ? origin : null);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "may not send %s, which browsers send across origins without asking",
    async (type) => {
      const fixture = await start();
      const body = "query=mutation%7Bcount(ids:[1])%7D";
      const headers = { "content-type": type };
      const response = await fetch(`${fixture.server.url}/graphql`, { method: "POST", headers, body });
      expect(response.status).toBe(415);
    },
  );
});

describe("routes", () => {
  it("report liveness and readiness", async () => {
    let problems: string[] = [];
    const fixture = await start({
      isReady: () => Promise.resolve({ isReady: problems.length === 0, problems }),
    });
    expect((await fetch(`${fixture.server.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${fixture.server.url}/health/ready`)).status).toBe(200);
    problems = ["PostgreSQL cannot be reached."];
    const response = await fetch(`${fixture.server.url}/health/ready`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ isReady: false, problems });
  });

  it("redirect browsers to GraphiQL, and serve it in one page", async () => {
    const { server } = await start();
    const headers = { accept: "text/html,application/xhtml+xml" };
    const redirect = await fetch(server.url, { headers, redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "/graphql"]);
    for (const encoding of ["gzip", "identity"]) {
      const page = await fetch(`${server.url}/graphql`, {
        headers: { ...headers, "accept-encoding": encoding },
      });
      expect(await page.text()).toContain("<title>powercrud-graphql</title>");
      const etag = page.headers.get("etag") ?? "";
      const known = { ...headers, "accept-encoding": encoding, "if-none-match": `"another", ${etag}` };
      const again = await fetch(`${server.url}/graphql`, { headers: known });
      expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, etag, ""]);
    }
  });

  it("answer 404 for other paths", async () => {
    const { server } = await start();
    for (const path of ["/", "/graphqlx", "/health", "//", "/%zz"]) {
      const response = await fetch(`${server.url}${path}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "NOT_FOUND" } }] });
    }
  });
});

describe("starting and stopping", () => {
  it("reports in one line that the port is in use", async () => {
    const { server } = await start();
    const port = Number(new URL(server.url).port);
    await expect(startServerFixture({ port })).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringMatching(
        new RegExp(`^Cannot listen on 127.0.0.1:${port}: the port is in use[^\\n]*$`),
      ),
    });
  });

  it("stops at once despite a kept-alive connection, and may be stopped twice", async () => {
    const fixture = await startServerFixture();
    const { hostname, port } = new URL(fixture.server.url);
    const socket = connect(Number(port), hostname);
    const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
    socket.write(`GET /health/live HTTP/1.1\r\nHost: ${hostname}\r\nConnection: keep-alive\r\n\r\n`);
    await new Promise((resolve) => void socket.once("data", resolve));
    await withDeadline(Promise.all([fixture.stop(), fixture.stop()]), 2000, "the stop");
    await withDeadline(closed, 1000, "the connection's end");
    await expect(fetch(`${fixture.server.url}/health/live`)).rejects.toThrow("fetch failed");
  });
});
