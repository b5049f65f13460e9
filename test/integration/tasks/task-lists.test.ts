import { graphql } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryEventBus } from "../../support/memory/memory-event-bus.ts";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import { createPgUnitOfWork } from "../../../src/adapters/postgres/connection/pg-unit-of-work.ts";
import { createPostgresEventLog } from "../../../src/adapters/postgres/events/postgres-event-log.ts";
import { createPostgresLockStore } from "../../../src/adapters/postgres/locks/postgres-lock-store.ts";
import { createPostgresTaskStore } from "../../../src/adapters/postgres/tasks/postgres-task-store.ts";
import { createTaskFeed } from "../../../src/core/events/task-feed.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import type { SqlSession } from "../../../src/kernel/sql-session.ts";
import { createSystemClock } from "../../../src/kernel/clock.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import { createFixtureSchema } from "../server-fixture.ts";
import { createTaskDriver } from "../task-driver.ts";
import type { Answer } from "./service-fixture.ts";

let database: TestDatabase;
let ask: (source: string) => Promise<Answer>;
let stop: () => Promise<void>;
let run: (text: string, values: readonly unknown[]) => Promise<unknown>;
/** The models all of whose records the caller reaches. */
const reached = new Set<string>();
const statements: string[] = [];
/** The ids of the failed records, by task. */
const failures = new Map<string, readonly string[]>();

beforeAll(async () => {
  database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({ connectionString: database.url, applicationName: "test", logger });
  const plain = createPgSession(pool);
  const session: SqlSession = {
    query(text, values) {
      statements.push(text);
      return plain.query(text, values);
    },
  };
  const ports = {
    unitOfWork: createPgUnitOfWork({ pool, logger }),
    tasks: createPostgresTaskStore({ session }),
    log: createPostgresEventLog({ session }),
    locks: createPostgresLockStore({ session }),
    bus: createMemoryEventBus({ logger }),
    clock: createSystemClock(),
    logger,
  };
  const schema = createFixtureSchema({
    ...ports,
    feed: createTaskFeed(ports),
    controls: { cancelTask: refuse, pauseTask: refuse, resumeTask: refuse },
    retryTask: refuse,
    reachesAll: (_viewer, model) => reached.has(model),
  });
  const driver = createTaskDriver(ports);
  for (const count of [0, 1, 2, 3, 4]) {
    const id = await driver.create();
    const recordIds = Array.from({ length: count }, (_, at) => `${count}-${at}`);
    failures.set(id, recordIds);
    await driver.start(id);
    await driver.settle(
      id,
      recordIds.map((recordId) => ({
        recordId,
        outcome: "FAILED",
        code: "CONSTRAINT_VIOLATED",
        message: "Taken.",
      })),
    );
  }
  await pool.query(
    `INSERT INTO powercrud.chunk (task_id, number, ids, status, succeeded, failed)
     VALUES ($1, 1, '{4-0,x,4-1,y}', 'DONE', 2, 2), ($1, 2, '{4-2,4-3}', 'DONE', 0, 2), ($1, 3, '{z}', 'PENDING', 0, 0)`,
    [fourth()],
  );
  ask = async (source) => {
    const { data, errors } = await graphql({ schema, source, contextValue: { viewer: ANONYMOUS } });
    if (errors !== undefined) {
      throw new Error(JSON.stringify(errors));
    }
    return JSON.parse(JSON.stringify(data));
  };
  run = (text, values) => pool.query(text, [...values]);
  stop = async () => {
    await pool.end();
    await database.drop();
  };
});
afterAll(() => stop());

/** How many statements an operation takes. */
async function countOf(source: string): Promise<number> {
  statements.length = 0;
  await ask(source);
  return statements.length;
}

it("reads the first errors of a list of tasks at once, and their counts", async () => {
  const list = (first: number, fields: string): string =>
    `{ tasks(first: ${first}) { nodes { id ${fields} } } }`;
  const errors = "errors(first: 2) { nodes { recordId } pageInfo { hasNextPage endCursor } }";
  const counts = "errors(first: 2) { nodes { recordId } totalCount }";
  expect(await countOf(list(5, ""))).toBe(1);
  for (const first of [1, 5]) {
    expect(await countOf(list(first, errors))).toBe(2);
    expect(await countOf(list(first, counts))).toBe(3);
  }
  expect(await countOf(list(5, `${errors} all: errors(first: 50) { nodes { message } }`))).toBe(3);
  expect(await countOf(list(5, "errors(last: 2) { nodes { recordId } }"))).toBe(2);

  const { tasks } = await ask(list(5, counts));
  expect(tasks.nodes).toHaveLength(failures.size);
  for (const { id, errors: page } of tasks.nodes) {
    const wanted = failures.get(id) ?? [];
    expect(page).toEqual({
      nodes: wanted.slice(0, 2).map((recordId) => ({ recordId })),
      totalCount: wanted.length,
    });
  }
});

it("tells of locks on other models only to who reaches all their records, in one look-up for all tasks", async () => {
  const owner = fourth();
  await run(
    `INSERT INTO powercrud.lock (owner, model, scope, lowest, highest, ids)
     VALUES ($1, 'City', '', '1', '2', '{1,2}'), ($1, 'Country', '', NULL, NULL, NULL), ($1, 'Gone', '', NULL, NULL, NULL)`,
    [owner],
  );
  const source = `{ tasks(where: { ids: ["${owner}"] }) { nodes { locks { model count isInLine } blockers { count } } } }`;
  const city = { model: "City", count: 2, isInLine: false };
  expect((await ask(source)).tasks.nodes).toEqual([{ locks: [city], blockers: [] }]);
  reached.add("Country");
  expect((await ask(source)).tasks.nodes).toEqual([
    { locks: [city, { model: "Country", count: null, isInLine: false }], blockers: [] },
  ]);
  expect(await countOf("{ tasks { nodes { locks { count } blockers { count } } } }")).toBe(2);
});

/** The task with four errors. */
const fourth = (): string => [...failures].find(([, recordIds]) => recordIds.length === 4)?.[0] ?? "";

it("shows what became of each record, also by outcome, in one look-up for all tasks", async () => {
  const fields = "nodes { recordId outcome code message } totalCount";
  const { task } = await ask(
    `{ task(id: "${fourth()}") { all: records { ${fields} } failed: records(outcome: FAILED, last: 1) { ${fields} } } }`,
  );
  const failed = { outcome: "FAILED", code: "CONSTRAINT_VIOLATED", message: "Taken." };
  const fine = { outcome: "SUCCEEDED", code: null, message: null };
  expect(task).toEqual({
    all: {
      nodes: [
        { recordId: "4-0", ...failed },
        { recordId: "x", ...fine },
        { recordId: "4-1", ...failed },
        { recordId: "y", ...fine },
        { recordId: "4-2", ...failed },
        { recordId: "4-3", ...failed },
        { recordId: "z", ...fine, outcome: "UNPROCESSED" },
      ],
      totalCount: 7,
    },
    failed: { nodes: [{ recordId: "4-3", ...failed }], totalCount: 4 },
  });
  expect(await countOf(`{ tasks { nodes { records(first: 2) { nodes { recordId } } } } }`)).toBe(2);
  expect(
    await countOf(`{ tasks { nodes { records(outcome: FAILED) { totalCount nodes { code } } } } }`),
  ).toBe(3);
});

describe.each([
  { list: "tasks", node: "id", pathOf: (page: string) => page, of: (answer: Answer) => answer },
  {
    list: "errors",
    node: "recordId",
    pathOf: (page: string) => `task(id: "${fourth()}") { ${page} }`,
    of: ({ task }: Answer) => task,
  },
  {
    list: "records",
    node: "recordId",
    pathOf: (page: string) => `task(id: "${fourth()}") { ${page} }`,
    of: ({ task }: Answer) => task,
  },
  {
    list: "events",
    node: "type",
    pathOf: (page: string) => `task(id: "${fourth()}") { ${page} }`,
    of: ({ task }: Answer) => task,
  },
])("the list of $list", ({ list, node, pathOf, of }) => {
  const page = async (args: string): Promise<Answer> => {
    const fields = `edges { cursor node { ${node} } } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`;
    return of(await ask(`{ ${pathOf(`${list}(${args}) { ${fields} }`)} }`))[list];
  };
  const nodesOf = ({ edges }: Answer): string[] => edges.map((edge: Answer) => edge.node[node]);

  it("is the same read forward and backward, in pages of any size", async () => {
    const all = nodesOf(await page("first: 100"));
    expect(all.length).toBeGreaterThan(2);
    for (const size of [1, 2, 3, all.length]) {
      const forward: string[] = [];
      for (let after = ""; ;) {
        const { pageInfo, ...rest } = await page(`first: ${size}${after}`);
        forward.push(...nodesOf(rest));
        expect(pageInfo.hasPreviousPage).toBe(after !== "");
        expect(pageInfo.hasNextPage).toBe(forward.length < all.length);
        expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([
          rest.edges[0].cursor,
          rest.edges.at(-1).cursor,
        ]);
        if (pageInfo.hasNextPage !== true) {
          break;
        }
        after = `, after: "${pageInfo.endCursor}"`;
      }
      expect(forward).toEqual(all);
      const backward: string[] = [];
      for (let before = ""; ;) {
        const { pageInfo, ...rest } = await page(`last: ${size}${before}`);
        backward.unshift(...nodesOf(rest));
        expect(pageInfo.hasNextPage).toBe(before !== "");
        expect(pageInfo.hasPreviousPage).toBe(backward.length < all.length);
        if (pageInfo.hasPreviousPage !== true) {
          break;
        }
        before = `, before: "${pageInfo.startCursor}"`;
      }
      expect(backward).toEqual(all);
    }
  });

  it("ends at both cursors, and counts all pages", async () => {
    const { edges, totalCount } = await page("first: 100");
    const between = `after: "${edges[0].cursor}", before: "${edges.at(-1).cursor}"`;
    const middle = nodesOf({ edges }).slice(1, -1);
    expect(nodesOf(await page(between))).toEqual(middle);
    expect(nodesOf(await page(`last: 1, ${between}`))).toEqual(middle.slice(-1));
    expect(totalCount).toBe(edges.length);
    expect(await page(`last: 0`)).toMatchObject({ edges: [], totalCount: edges.length });
  });

  it("refuses impossible pages, and names the argument", async () => {
    await expect(page("first: 1, last: 1")).rejects.toThrow("Give either first or last, not both.");
    await expect(page("last: -1")).rejects.toThrow("last must be 0 or more, not -1.");
    await expect(page(`before: "nonsense"`)).rejects.toThrow(String.raw`\"before\" is not`);
  });
});

const refuse = () => Promise.resolve({ kind: "UNAVAILABLE", message: "nothing runs tasks here" } as const);
