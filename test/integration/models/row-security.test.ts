import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPowerCrud } from "../../../src/index.ts";
import type { Viewer } from "../../../src/index.ts";
import { graphql } from "graphql";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import { onBehalfWithin } from "../../../src/adapters/postgres/connection/session-settings.ts";
import { createViewerSessions } from "../../../src/core/access/viewer-sessions.ts";
import type { SessionRule, ViewerSessions } from "../../../src/core/access/viewer-sessions.ts";
import { examineSession } from "../../../src/compose/examine-session.ts";
import type { EveryOperation } from "./every-operation-fixture.ts";
import { ENGINE, keyOf, MODELS, sample } from "./every-type-samples.ts";
import { describeTenantFiles } from "./tenant-files.ts";
import type { Answer } from "./models-fixture.ts";
import type { Tenants } from "./tenants-fixture.ts";
import { A, B, createTenants, OTHERS, ownSample } from "./tenants-fixture.ts";
import { TENANT_SESSION } from "./tenants.ts";

let tenants: Tenants;
let world: EveryOperation;

beforeAll(async () => {
  tenants = await createTenants();
  ({ world } = tenants);
});
afterAll(() => world.api.stop());

describe.each(MODELS)("%s of another tenant", (model) => {
  test("is not read, counted, summed or grouped", async () => {
    const { own, others } = await tenants.fillBoth(model);
    const records = await world.list(model);
    expect(records.map(({ id }) => id as string).toSorted()).toEqual(own.toSorted());
    expect(await world.list(model, { ids: others })).toEqual([]);
    const name = `${model.charAt(0).toLowerCase()}${model.slice(1)}`;
    expect(await world.run("query", name, { id: others[0] }, "id")).toBeNull();
    expect(await world.run("query", name, { id: own[0] }, "id")).toEqual({ id: own[0] });
    world.executed.add(name);
    const seen = model === "Category" ? { ids: own } : { where: {} };
    expect((await world.aggregate(model, seen)).count).toBe(2);
    const [key = ""] = world.groupKeysOf(model);
    const groups = await world.groups(model, [key], seen);
    expect(groups.reduce((sum: number, { count }) => sum + (count as number), 0)).toBe(2);
  });

  test("is not written one by one, and no refusal tells of it", async () => {
    const { own, others } = await tenants.fillBoth(model);
    const before = await tenants.rowsOfOthers();
    const [id] = others;
    for (const [operation, args] of [
      ["update", { id, data: world.changeOf(model, 3) }],
      ["delete", { id }],
    ] as const) {
      const refused = world.run(
        "mutation",
        `${operation}${model}`,
        args,
        "__typename ... on Error { code message }",
      );
      expect(await refused).toMatchObject({ code: "NOT_FOUND", message: `There is no ${model} ${id}.` });
    }
    const upsert = { id, create: ownSample(model, OTHERS), update: world.changeOf(model, 3) };
    const answer = await world.run(
      "mutation",
      `upsert${model}`,
      upsert,
      "__typename ... on Error { code message }",
    );
    // The database itself says that a unique value is taken.
    expect(answer.code ?? answer.__typename).toBe("CONSTRAINT_VIOLATED");
    expect(await tenants.rowsOfOthers()).toEqual(before);
    await world.write("update", model, { id: own[0], data: world.changeOf(model, 3) });
    await world.write("upsert", model, { ...upsert, id: own[0], create: ownSample(model, 1) });
    await world.write("delete", model, { id: own[1] });
    await world.write("create", model, { data: ownSample(model, 2) });
    expect(await tenants.rowsOfOthers()).toEqual(before);
  });

  test("is not written in bulk, by ids or by a filter", async () => {
    const { own, others } = await tenants.fillBoth(model);
    const before = await tenants.rowsOfOthers();
    const change = world.changeOf(model, 1);
    const data = Object.fromEntries(Object.entries(change).map(([name, set]) => [name, { set }]));
    const [mixed, missing] = [{ ids: [own[0], ...others] }, { total: 3, succeeded: 1, skipped: 2 }];
    const key = keyOf(model);
    const everything = { selection: { where: { NOT: { [key]: { equals: sample(model, 40)[key] } } } } };
    const all = model === "Category" ? 3 : 2;
    const tried = await tenants.bulk("bulkDelete", model, everything, { dryRun: true });
    expect(tried.succeeded + tried.failed).toBe(all);
    expect(await tenants.bulk("bulkUpdate", model, { selection: mixed, data })).toMatchObject(missing);
    const records = [own[0], ...others].map((id) => ({ id, data: change }));
    expect(await tenants.bulk("bulkUpdateEach", model, { records })).toMatchObject(missing);
    const upserts = others.map((id, at) => ({ id, create: ownSample(model, OTHERS + at), update: change }));
    expect(await tenants.bulk("bulkUpsert", model, { records: upserts })).toMatchObject({
      succeeded: 0,
      failed: 2,
    });
    expect(await tenants.bulk("bulkDelete", model, { selection: mixed })).toMatchObject(missing);
    expect(await tenants.rowsOfOthers()).toEqual(before);
  });
});

describe("records of two tenants that refer to each other", () => {
  test("show each tenant its own, in lists, figures and filters, and cannot be linked", async () => {
    const { own, others } = await tenants.fillBoth("Product");
    const tags = await tenants.as(B, async () => {
      await world.writeMany(
        "bulkCreate",
        "Tag",
        { data: [{ ...sample("Tag", OTHERS), products: [others[0]] }] },
        1,
      );
      return (await world.list("Tag")).map(({ id }) => id as string);
    });
    // As a script that knows no tenants could have left them.
    await world.api.query(`UPDATE shop."all products" SET category = 1`);
    await world.api.query(`INSERT INTO shop."_ProductToTag" VALUES ($1, $2)`, [own[0], tags[0]]);
    const before = await tenants.rowsOfOthers();
    const { categories, products } = await world.api.data(`{
      categories(where: {products: {some: {code: {equals: "Code-${OTHERS}"}}}}) { totalCount }
      products(orderBy: [{id: ASC}]) { nodes { code tags { totalCount } category { products { totalCount nodes { code } } } } }
    }`);
    expect(categories.totalCount).toBe(0);
    const codes = [{ code: "Code-1" }, { code: "Code-2" }];
    const listed = { totalCount: 2, nodes: codes };
    expect(products.nodes).toEqual(
      codes.map((code) => ({ ...code, tags: { totalCount: 0 }, category: { products: listed } })),
    );
    const link = { id: own[0], data: { tags: { add: tags } } };
    const refused = await world.run("mutation", "updateProduct", link, "... on Error { code message }");
    expect(refused).toMatchObject({ message: `tags: there is no Tag ${tags[0]}.` });
    const nested = { id: "1", data: { products: { connect: others } } };
    const answer = await world.run("mutation", "updateCategory", nested, "... on Error { message }");
    expect(answer).toMatchObject({
      message: expect.stringContaining(`products.connect.0: there is no Product ${others[0]}.`),
    });
    expect(await tenants.rowsOfOthers()).toEqual(before);
  });

  test("stay apart when a task of one tenant is retried, also by the other tenant", async () => {
    await tenants.fillBoth("Product");
    const [own] = await world.list("Product");
    const before = await tenants.rowsOfOthers();
    // The code of the other one is taken already.
    const data = { code: { set: "Code-2" }, note: { set: "mine" } };
    const everything = { selection: { where: {} }, data };
    const options = { maxAffected: 10, errorPolicy: "SKIP_FAILED" };
    const task = await world.api.run(
      "bulkUpdateProducts",
      world.typed("bulkUpdateProducts", everything),
      options,
    );
    expect(task).toMatchObject({ status: "PARTIAL", progress: { total: 2, succeeded: 1, failed: 1 } });
    await world.api.query(
      `UPDATE shop."all products" SET code = code || '!' WHERE code = 'Code-2' AND tenant = 'A'`,
    );
    const retryAs = (who: Viewer): Promise<Answer> => tenants.as(who, () => retried(task.id));
    expect(await retryAs(B)).toMatchObject({ progress: { total: 1, succeeded: 0, skipped: 1 } });
    expect(await tenants.rowsOfOthers()).toEqual(before);
    expect((await world.list("Product", { ids: [own.id] }))[0]).toMatchObject({ note: null });
    expect(await retryAs(A)).toMatchObject({ progress: { total: 1, succeeded: 1 } });
    expect((await world.list("Product", { ids: [own.id] }))[0]).toMatchObject({ note: "mine" });
    expect(await tenants.rowsOfOthers()).toEqual(before);
    const { task: shown } = await tenants.as(B, () =>
      world.api.data(`{ task(id: "${task.id}") { records { nodes { recordId record { __typename } } } } }`),
    );
    expect(shown.records.nodes.map(({ record }: Answer) => record)).toEqual([null, null]);
  });

  async function retried(taskId: string): Promise<Answer> {
    const retry = world.typed("retryTask", { id: taskId, records: "FAILED" });
    return world.api.run("retryTask", retry, undefined);
  }
});

describe("a record that a policy does not let in", () => {
  const many = { ...sample("Place", 3), count: 1000 };
  const message = "You may not write a Place with these values.";

  test("is refused, one by one", async () => {
    const [id] = await world.fill("Place", 1);
    for (const [operation, args] of [
      ["create", { data: many }],
      ["update", { id, data: { count: 1000 } }],
    ] as const) {
      const refused = world.run("mutation", `${operation}Place`, args, "... on Error { code message }");
      expect(await refused).toEqual({ code: "VALIDATION_FAILED", message });
    }
  });

  test("is refused alone in bulk", async () => {
    await world.fill("Place", 0);
    const args = world.typed("bulkCreatePlaces", { data: [sample("Place", 1), many] });
    expect(await world.api.run("bulkCreatePlaces", args, { errorPolicy: "SKIP_FAILED" })).toMatchObject({
      progress: { succeeded: 1, failed: 1 },
      errors: [{ code: "VALIDATION_FAILED", message }],
    });
  });
});

test("hooks read and write in the viewer's transaction, with Prisma's client", async () => {
  const { own, others } = await tenants.fillBoth("Visit");
  const before = await tenants.rowsOfOthers();
  tenants.hookSees.length = 0;
  await world.write("update", "Visit", { id: own[0], data: { who: "single" } });
  expect(
    await tenants.bulk("bulkUpdate", "Visit", {
      selection: { ids: [...own, ...others] },
      data: { who: { set: "many" } },
    }),
  ).toMatchObject({ succeeded: 2, skipped: 2 });
  expect(tenants.hookSees).toEqual([2, 2]);
  expect(await tenants.rowsOfOthers()).toEqual(before);
});

describeTenantFiles(() => tenants);

test("a node of another tenant is none", async () => {
  const { own, others } = await tenants.fillBoth("Tag");
  const { config, databaseUrl } = world.api;
  const relay = await createPowerCrud({ config: { ...config, relay: true }, databaseUrl, role: "client" });
  await relay.start();
  try {
    const [mine, theirs] = [own[0], others[0]].map((id) => `node(id: "Tag:${id}") { id }`);
    const source = `{ mine: ${mine} theirs: ${theirs} }`;
    const { data } = await graphql({ schema: relay.schema, source, contextValue: { viewer: A } });
    expect({ ...data }).toEqual({ mine: { id: `Tag:${own[0]}` }, theirs: null });
  } finally {
    await relay.stop();
  }
});

test("a transaction of the engine's that asks for a viewer goes on as nobody's", async () => {
  const client = await world.api.connect();
  try {
    const session = createPgSession(client);
    const who = (): Promise<unknown[]> =>
      session.query("SELECT current_setting('role') AS role, current_setting('app.tenant', true) AS tenant");
    const sessions = createViewerSessions(TENANT_SESSION) as ViewerSessions;
    await session.query("BEGIN");
    const [seen] = await sessions.as(A, () => onBehalfWithin(sessions, session, who));
    expect(seen).toEqual({ role: "powercrud_test_app", tenant: "A" });
    expect(await who()).toEqual([{ role: "none", tenant: "" }]);
    await session.query("ROLLBACK");
  } finally {
    client.release();
  }
});

test("subscribers hear of the records that their own policies show", async () => {
  const { own, others } = await tenants.fillBoth("Visit");
  const source = "subscription { recordEvents(model: Visit) { type isAll recordIds } }";
  const [toA, toB] = [await world.api.subscribe(source, A), await world.api.subscribe(source, B)];
  for (const events of [toA, toB]) {
    expect((await events.next()).value).toMatchObject({ data: { recordEvents: { type: "GAP" } } });
  }
  const change = (id: string | undefined): Promise<Answer> =>
    world.write("update", "Visit", { id, data: { who: "heard" } });
  // The others' first: what A would hear of it would come first.
  await tenants.as(B, () => world.writeMany("bulkDelete", "Visit", { selection: { ids: [others[1]] } }, 1));
  await tenants.as(B, () => change(others[0]));
  await change(own[0]);
  await change(own[1]);
  const heard = async (events: AsyncGenerator<Answer, void>, last: unknown): Promise<string[]> => {
    const lines: string[] = [];
    while (lines.at(-1) !== `UPDATED ${String(last)}`) {
      const { value } = (await events.next()) as { value: Answer };
      const { type, isAll, recordIds } = value.data.recordEvents;
      lines.push(`${type} ${isAll === true ? "all" : recordIds.join()}`);
    }
    await events.return(undefined);
    return lines;
  };
  // It sees the others' tasks here, and hears no more of the deleted record than the task says.
  expect(await heard(toA, own[1])).toEqual(["DELETED all", ...own.map((id) => `UPDATED ${id}`)]);
  expect(await heard(toB, others[0])).toContain(`DELETED ${others[1]}`);
});

test("a task of the app's own reads with Prisma's client what its launcher may read", async () => {
  await tenants.fillBoth("Tag");
  const launch = (who: Viewer): Promise<Answer> =>
    tenants.as(who, () =>
      world.api.data(
        `mutation { launchCensus(options: {mode: SYNC}) { ... on TaskLaunched { task { result } } ... on Error { message } } }`,
      ),
    );
  const results = await Promise.all([A, B].map(launch));
  const seen = (labels: string[]): object => ({
    found: labels.slice(0, 1),
    listed: labels,
    counted: 2,
    within: labels,
  });
  expect(results.map(({ launchCensus }) => launchCensus.task.result)).toEqual([
    seen(["label 1", "label 2"]),
    seen([`label ${OTHERS}`, `label ${OTHERS + 1}`]),
  ]);
});

test("no session is left to the next viewer who gets the connection", async () => {
  await tenants.fillBoth("Visit");
  const nobody: Viewer = { id: "nobody" };
  const count = async (who: Viewer): Promise<unknown> => {
    const { visits } = await world.api.data("{ visits { totalCount } }", {}, who);
    const written = await world.api.data(
      `mutation { deleteVisit(id: "${sample("Visit", 9)["id"] as string}") { ... on Error { code } } }`,
      {},
      who,
    );
    return [visits.totalCount, written.deleteVisit.code];
  };
  const viewers = Array.from({ length: 60 }, (_each, at) => [A, nobody, B][at % 3] as Viewer);
  const counts = await Promise.all(viewers.map(count));
  expect(counts).toEqual(viewers.map((who) => [who === nobody ? 0 : 2, "NOT_FOUND"]));
});

// option: auth.session
test("doctor tells whether the policies apply to the sessions", async () => {
  const examine = async (session: SessionRule): Promise<unknown> => {
    const { api } = world;
    const database = {
      session: {
        query: <Row>(text: string, values?: readonly unknown[]) => api.query(text, values) as Promise<Row[]>,
      },
    };
    const project = { ...api.config, auth: { session } };
    return examineSession(project, { ...database, defaultSchema: "public" })?.examine(
      AbortSignal.timeout(10_000),
    );
  };
  const role = "powercrud_test_app";
  expect(await examine(() => ({ role }))).toEqual({
    status: "OK",
    message: `The policies of 6 tables apply to the role ${role}.`,
  });
  const free = { status: "WARNING", message: expect.stringContaining("No policy applies to the role") };
  expect(await examine(() => ({ "app.tenant": "A" }))).toMatchObject(free);
  // A session for viewers with a tenant only.
  expect(await examine(TENANT_SESSION)).toMatchObject(free);
  expect(await examine(() => ({ role: "nobody at all" }))).toMatchObject({ status: "FAILED" });
  await world.api.query(`ALTER TABLE "Place" OWNER TO ${role}`);
  expect(await examine(() => ({ role }))).toMatchObject({
    status: "WARNING",
    message: expect.stringContaining(`it owns "Place"`),
  });
  await world.api.query(
    `ALTER TABLE "Place" FORCE ROW LEVEL SECURITY; REVOKE DELETE ON powercrud.lock FROM ${role}`,
  );
  expect(await examine(() => ({ role }))).toMatchObject({
    status: "FAILED",
    message: expect.stringContaining("rights on the engine's tables"),
  });
  await world.api.query(`GRANT DELETE ON powercrud.lock TO ${role}`);
  expect(await examine(() => ({ role }))).toMatchObject({ status: "OK" });
});

describe("a viewer for whom there is no session", () => {
  const stranger: Viewer = { id: "stranger" };

  test("gets an internal error with the reason as its cause, and nothing is written", async () => {
    await world.fill("Tag", 1);
    for (const source of [
      "{ tags { totalCount } }",
      `mutation { createTag(data: {id: "7", label: "new"}) { __typename } }`,
      `mutation { bulkUpdateTags(selection: {ids: ["101"]}, data: {label: {set: "new"}}) { __typename } }`,
    ]) {
      const failed = world.api.data(source, {}, stranger);
      await expect(failed).rejects.toMatchObject({
        message: expect.not.stringContaining("app.tenant"),
        cause: {
          code: "INTERNAL",
          cause: new TypeError(
            `auth.session: app.tenant must be a text, and is undefined: a viewer without it needs a value of its own, such as "".`,
          ),
        },
      });
    }
    expect(await world.list("Tag")).toMatchObject([{ label: "label 1" }]);
  });
});

test("every root field of the models was tried", () => {
  const { schema, executed } = world;
  const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  );
  const others = [...ENGINE, "launchCensus"];
  expect(fields.filter((name) => !executed.has(name) && !others.includes(name))).toEqual([]);
});
