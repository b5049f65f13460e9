import { insertCities } from "../support/insert-cities.ts";
import { graphql } from "graphql";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { encodeCursor } from "../../src/core/events/event-cursor.ts";
import type { PowerCrudConfig, PowerCrudService, Task } from "../../src/index.ts";
import { createPowerCrud, createService, defineConfig, defineTask, tasks } from "../../src/index.ts";
import { nextWithin } from "../support/deadline.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import type { ClientResults } from "./graphql-clients.ts";
import { overSocket, overSse, socketClient } from "./graphql-clients.ts";

const note = defineTask({
  kind: "note",
  notify: [{ channel: "IN_APP", target: "bob" }],
  run: async ({ input }) => ({ secret: input }),
});
const parent = defineTask({
  kind: "parent",
  run: async () =>
    void (await tasks.launch(note, "of bob", { viewer: { id: "bob" }, asChild: { wait: true } })),
});
const fail = defineTask({
  kind: "fail",
  run: () => Promise.reject(new Error("a secret failure")),
});

const config = defineConfig({
  ...demoConfig,
  relay: true,
  tasks: [note, parent, fail],
  models: { ...demoConfig.models, City: { access: true }, Country: { access: true } },
  schedules: [
    { name: "yearly", cron: "0 3 1 1 *", task: note, input: "secret schedule", viewer: { id: "ann" } },
  ],
  auth: {
    authenticate: ({ headers, connectionParams }) => {
      const user = headers.get("x-user") ?? connectionParams?.["user"];
      return typeof user === "string" ? { id: user, roles: user === "root" ? ["admin"] : [] } : null;
    },
  },
});

let database: TestDatabase;
let service: PowerCrudService;
beforeAll(async () => {
  database = await createTestDatabase();
  const sql = new pg.Client(database.url);
  await sql.connect();
  await insertCities(sql, 3);
  await sql.end();
  service = await createService({
    config,
    databaseUrl: database.url,
    role: "serve",
    settings: { port: 0, auth: "required" },
  });
  await service.start();
});
afterAll(async () => {
  await service.stop();
  await database.drop();
});

/** All that bob was told. */
const told: string[] = [];

async function ask(user: string, query: string, variables: object = {}): Promise<Record<string, never>> {
  const response = await fetch(`${service.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-user": user },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  if (user === "bob") {
    told.push(text);
  }
  const { data, errors } = JSON.parse(text) as { data: Record<string, never>; errors?: unknown };
  return { ...data, ...(errors === undefined ? {} : { errors: errors as never }) };
}

async function launched(
  definition: typeof note | typeof parent | typeof fail,
  user: string,
  input: string | null = null,
): Promise<Task> {
  const outcome = await service.powercrud.tasks.launch(definition.kind, input, {
    viewer: { id: user },
    label: `secret of ${user}`,
    mode: "SYNC",
    allowDuplicate: true,
  });
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(outcome.kind === "INLINE" ? "inline" : outcome.message);
  }
  return outcome.task;
}

const TASK = `{ id kind label createdBy input result message parent { id } children { id } retries { id }
  records { totalCount } errors { totalCount } events { totalCount } canCancel canPause canResume canRetry }`;

/** What a viewer is shown in the place of a task that is hidden. */
const STAND_IN = {
  kind: "hidden",
  label: null,
  createdBy: null,
  input: null,
  result: null,
  message: null,
  parent: null,
  children: [],
  retries: [],
  records: { totalCount: 0 },
  errors: { totalCount: 0 },
  events: { totalCount: 0 },
  canCancel: false,
  canPause: false,
  canResume: false,
  canRetry: false,
};

const WAYS = [
  [
    "WebSocket",
    (user: string, query: string, variables: Record<string, unknown>): Promise<ClientResults> => {
      const client = socketClient(service.url, { connectionParams: { user } });
      onTestFinished(() => void client.dispose());
      return Promise.resolve(overSocket(client, { query, variables }));
    },
  ],
  [
    "SSE",
    (user: string, query: string, variables: Record<string, unknown>): Promise<ClientResults> =>
      overSse(service.url, { query, variables }, "POST", { "x-user": user }),
  ],
] as const;

describe("a task of somebody else", () => {
  let ofAnn: Task;
  let ofBob: Task;
  let failed: Task;
  beforeAll(async () => {
    ofAnn = await launched(note, "ann", "secret input");
    ofBob = await launched(note, "bob", "of bob");
    failed = await launched(fail, "ann");
  });
  it("is in no list and no number, and is found by no id", async () => {
    const query = `query ($ids: [ID!]!, $id: ID!) {
      all: tasks { totalCount nodes { createdBy } }
      page: tasks(first: 1) { pageInfo { hasNextPage } nodes { id } }
      ofAnn: tasks(where: { createdBy: "ann" }) { totalCount }
      byIds: tasks(where: { ids: $ids }) { totalCount nodes { id } }
      task(id: $id) { id }
      node(id: $id) { id }
      nodes(ids: $ids) { id }
    }`;
    const variables = { ids: [ofAnn.id, ofBob.id], id: ofAnn.id };
    expect(await ask("bob", query, variables)).toEqual({
      all: { totalCount: 1, nodes: [{ createdBy: "bob" }] },
      page: { pageInfo: { hasNextPage: false }, nodes: [{ id: ofBob.id }] },
      ofAnn: { totalCount: 0 },
      byIds: { totalCount: 1, nodes: [{ id: ofBob.id }] },
      task: null,
      node: null,
      nodes: [null, { id: ofBob.id }],
    });
    expect(await ask("root", query, variables)).toMatchObject({
      all: { totalCount: 3 },
      ofAnn: { totalCount: 2 },
      byIds: { totalCount: 2 },
      task: { id: ofAnn.id },
      nodes: [{ id: ofAnn.id }, { id: ofBob.id }],
    });
  });

  it.each(["cancelTask", "pauseTask", "resumeTask", "retryTask"])(
    "is as missing for %s, and is left as it is",
    async (mutation) => {
      const query = `mutation ($id: ID!) { ${mutation}(id: $id) { __typename ... on Error { message } } }`;
      const missing = "0195f8f0-0000-7000-8000-000000000001";
      const answers = await Promise.all(
        [failed.id, missing].map(async (id) =>
          JSON.stringify((await ask("bob", query, { id }))[mutation]).replaceAll(id, "ID"),
        ),
      );
      expect(answers[0]).toBe(answers[1]);
      expect(answers[0]).toContain("NotFoundError");
      expect(await service.powercrud.tasks.get(failed)).toEqual(failed);
    },
  );

  it.each(WAYS)("is in no event over %s, and nothing tells when it ends", async (_way, subscribe) => {
    const events = `subscription ($where: TaskEventWhere, $after: String) {
      taskEvents(where: $where, after: $after) { type task { id createdBy } }
    }`;
    const after = encodeCursor(0);
    const followed = await subscribe("bob", events, { after, where: { taskIds: [ofAnn.id, ofBob.id] } });
    const all = await subscribe("bob", events, { after });
    const read = async (results: ClientResults, count: number): Promise<unknown[]> => {
      const seen: unknown[] = [];
      while (seen.length < count) {
        const { data } = await nextWithin(results, 5000, "an event");
        told.push(JSON.stringify(data));
        seen.push((data?.["taskEvents"] as { task: unknown } | undefined)?.task);
      }
      return seen;
    };
    const lifecycle = Array.from({ length: 4 }, () => ({ id: ofBob.id, createdBy: "bob" }));
    expect(await read(followed, 4)).toEqual(lifecycle);
    expect((await read(all, 4)).every((task) => (task as { createdBy: string }).createdBy === "bob")).toBe(
      true,
    );
    await followed.return?.();
    await launched(note, "ann");
    const later = await launched(note, "bob");
    let last: unknown;
    while ((last as { id?: string } | undefined)?.id !== later.id) {
      [last] = await read(all, 1);
      expect(last).toMatchObject({ createdBy: "bob" });
    }
    await all.return?.();
    const progress = await subscribe("bob", `subscription ($id: ID!) { taskProgress(id: $id) { id } }`, {
      id: ofAnn.id,
    });
    const answer = await nextWithin(progress, 5000, "the refusal").catch((error: unknown) => ({
      value: { errors: error },
    }));
    expect(JSON.stringify(answer)).toContain("There is no task");
  });

  it.each(["errors", "records"])("has no file %s.jsonl", async (name) => {
    const read = (user: string): Promise<Response> =>
      fetch(`${service.url}/tasks/${ofAnn.id}/${name}.jsonl`, { headers: { "x-user": user } });
    expect((await read("bob")).status).toBe(404);
    expect((await read("ann")).status).toBe(200);
    expect((await read("root")).status).toBe(200);
  });

  it("is not among the children, parents and retries of another", async () => {
    const outer = await launched(parent, "ann");
    const query = `query ($id: ID!) { task(id: $id) { id children { id createdBy } parent { id } retries { id } } }`;
    const [child] = (await service.powercrud.tasks.list({ parents: [outer.id] })) as [Task];
    expect(await ask("ann", query, { id: outer.id })).toMatchObject({ task: { children: [] } });
    expect(await ask("bob", query, { id: child.id })).toMatchObject({ task: { id: child.id, parent: null } });
    expect(await ask("root", query, { id: outer.id })).toMatchObject({
      task: { children: [{ id: child.id, createdBy: "bob" }] },
    });
    await service.powercrud.tasks.retry(failed, { viewer: { id: "root" }, options: { mode: "SYNC" } });
    expect(await ask("ann", query, { id: failed.id })).toMatchObject({ task: { retries: [] } });
    expect(await ask("root", query, { id: failed.id })).toMatchObject({
      task: { retries: [{ id: expect.any(String) as string }] },
    });
  });

  it("is another task where it holds a record, and tells nothing else", async () => {
    const claims = [{ model: "City", ids: ["1"] }];
    const viewer = { id: "ann" };
    const outcome = await service.powercrud.tasks.reserve(claims, { viewer, label: "secret of ann" });
    const reservation = outcome.kind === "RESERVED" ? outcome.reservation : undefined;
    onTestFinished(() => void reservation?.release());
    const seen = await ask(
      "bob",
      `{ city(id: "City:1") { activeTask ${TASK} } recordLocks(model: City, ids: ["City:1"]) { heldBy ${TASK} } }`,
    );
    expect(seen).toMatchObject({
      city: { activeTask: STAND_IN },
      recordLocks: [{ heldBy: STAND_IN }],
    });
    const history = `{ tasks(where: { record: { model: City, id: "City:1" } }) { totalCount nodes { createdBy } } }`;
    expect(await ask("bob", history)).toEqual({ tasks: { totalCount: 0, nodes: [] } });
    expect(await ask("ann", history)).toEqual({ tasks: { totalCount: 1, nodes: [{ createdBy: "ann" }] } });
    const write = `mutation { updateCity(id: "City:1", data: { notes: "x" }) {
      __typename ... on ConflictError { message conflicts { recordId heldBy ${TASK} } }
    } }`;
    expect(await ask("bob", write)).toMatchObject({
      updateCity: {
        message: "City 1 is held by another task. Try again when it has settled.",
        conflicts: [{ recordId: "City:1", heldBy: STAND_IN }],
      },
    });
    expect(await ask("root", write)).toMatchObject({
      updateCity: { message: expect.stringContaining("launched by ann") as string },
    });
    const wait = `mutation { bulkUpdateCities(selection: { ids: ["City:1"] }, data: { notes: { set: "x" } },
      options: { onConflict: WAIT, mode: ASYNC }) { ... on TaskLaunched { task { id blockedBy ${TASK} } } } }`;
    const waiting = await ask("bob", wait);
    expect(waiting).toMatchObject({ bulkUpdateCities: { task: { blockedBy: STAND_IN } } });
  });

  it("is another task in what happens to records, in schedules and in notifications", async () => {
    const [, subscribe] = WAYS[0];
    const events = await subscribe(
      "bob",
      `subscription { recordEvents(model: City, ids: ["City:2"]) { type task ${TASK} } }`,
      {},
    );
    const next = () => nextWithin(events, 5000, "what happened to the records");
    expect((await next()).data).toEqual({ recordEvents: { type: "GAP", task: null } });
    const outcome = await service.powercrud.tasks.reserve([{ model: "City", ids: ["2"] }], {
      viewer: { id: "ann" },
      label: "secret of ann",
    });
    const { data } = await next();
    if (outcome.kind === "RESERVED") {
      await outcome.reservation.release();
    }
    told.push(JSON.stringify(data));
    expect(data).toMatchObject({ recordEvents: { task: STAND_IN } });

    const schedules = `{ schedules { name input lastMessage lastTask { id } } }`;
    await ask("ann", `mutation { runSchedule(name: "yearly") { __typename } }`);
    expect(await ask("bob", schedules)).toEqual({
      schedules: [{ name: "yearly", input: null, lastMessage: null, lastTask: null }],
    });
    expect(await ask("ann", schedules)).toMatchObject({
      schedules: [{ input: "secret schedule", lastTask: { id: expect.any(String) as string } }],
    });

    const inbox = await ask(
      "bob",
      `{ notifications(first: 100) { nodes { task { id kind label createdBy } } } }`,
    );
    const kinds = JSON.stringify(inbox);
    expect(kinds).toContain(`"kind":"hidden","label":null,"createdBy":null`);
    expect(kinds).toContain(`"kind":"note","label":"secret of bob","createdBy":"bob"`);
  });
});

it("nothing that was told to bob is of somebody else's task", () => {
  const all = told.join("\n").replaceAll(/There is no task "?[\w-]+"?/g, "");
  expect(all).not.toMatch(/secret of ann|secret input|secret schedule|secret failure|"ann"|launched by/);
  expect(told.length).toBeGreaterThan(10);
});

it("a model without rules is for administrators, in reads, writes and bulk operations", async () => {
  const write = `mutation { createTag(data: { label: "t" }) { __typename } }`;
  const bulk = `mutation { bulkDeleteTags(selection: { where: { label: { equals: "t" } } }) { __typename } }`;
  const nested = `{ cities { nodes { tags { totalCount } } } }`;
  for (const query of [`{ tags { totalCount } }`, nested, write, bulk]) {
    expect(JSON.stringify(await ask("bob", query))).toMatch(/ForbiddenError|FORBIDDEN/);
    expect(JSON.stringify(await ask("root", query))).not.toMatch(/ForbiddenError|FORBIDDEN|errors/);
  }
  expect(await ask("bob", `{ cities { totalCount } }`)).toEqual({ cities: { totalCount: 3 } });
});

describe("auth.tasks", () => {
  /** How many tasks the viewer sees under the rule. */
  async function count(rule: NonNullable<NonNullable<PowerCrudConfig["auth"]>["tasks"]>): Promise<unknown> {
    const powercrud = await createPowerCrud({
      config: { ...config, auth: { ...config.auth, tasks: rule } },
      databaseUrl: database.url,
      role: "client",
      settings: { auth: "required" },
    });
    onTestFinished(() => powercrud.stop());
    await powercrud.start();
    const contextValue = { viewer: { id: "cid" } };
    const source = `{ tasks { totalCount } }`;
    const { data, errors } = await graphql({ schema: powercrud.schema, source, contextValue });
    return errors?.[0]?.message ?? (data as { tasks: { totalCount: number } } | null)?.tasks.totalCount;
  }

  // option: auth.tasks
  it("says otherwise: all, none, or those that meet a condition", async () => {
    const all = await service.powercrud.tasks.count();
    const failures = await service.powercrud.tasks.count({ kinds: ["fail"] });
    expect(await count(() => true)).toBe(all);
    expect(await count(() => false)).toBe(0);
    expect(await count(({ viewer }) => ({ createdBy: [viewer.id ?? ""], kinds: ["fail"] }))).toBe(0);
    expect(await count(() => [{ createdBy: ["nobody"] }, { kinds: ["fail"] }])).toBe(failures);
    expect(failures).toBeGreaterThan(0);
    expect(await count(() => ({ createBy: ["cid"] }) as never)).toMatch(/createBy is not an option/);
  });
});

it("a task in line shows which of its records are held, and nothing of the task that holds them", async () => {
  const change = (user: string, ids: string, onConflict: string): Promise<Record<string, never>> => {
    const options = `mode: ASYNC, onConflict: ${onConflict}, label: "secret of ${user}"`;
    const args = `selection: { ids: [${ids}] }, data: { population: { set: 1 } }, options: { ${options} }`;
    return ask(user, `mutation { bulkUpdateCities(${args}) { ... on TaskLaunched { task { id } } } }`);
  };
  const [two, three] = ['"City:2"', '"City:3"'];
  expect(await change("ann", two, "REJECT")).toMatchObject({ bulkUpdateCities: { task: {} } });
  await change("bob", `${two}, ${three}`, "WAIT");
  const query = `{ tasks(where: { statuses: [WAITING] }) { countByStatus { status count }
    nodes { locks { model count isInLine } blockers { model count recordIds task ${TASK} } } } }`;
  const locks = [{ model: "City", count: 2, isInLine: true }];
  const blockers = [{ model: "City", count: 1, recordIds: [JSON.parse(two)], task: STAND_IN }];
  const countByStatus = expect.arrayContaining([{ status: "WAITING", count: 1 }]);
  expect((await ask("bob", query))["tasks"]).toMatchObject({ countByStatus, nodes: [{ locks, blockers }] });
});
