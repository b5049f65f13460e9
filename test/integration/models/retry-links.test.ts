import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Viewer } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const OPEN = "0195f8f0-0000-7000-8000-00000000000a";
const SECRET = "0195f8f0-0000-7000-8000-00000000000b";
const ALL: Viewer = { id: "all" };
const NARROW: Viewer = { id: "narrow" };

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkFixture({
    models: {
      // option: models.bulk.chunkRecords
      City: { bulk: { chunkRecords: 3 } },
      Tag: { access: ({ viewer: { id } }) => (id === "narrow" ? { label: { not: "secret" } } : true) },
    },
  });
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.query(emptying(`country, city, tag, "_CityToTag"`));
  await api.query(`INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')`);
  await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude)
    SELECT i, 'City ' || i, 'FR', i, 1, 1 FROM generate_series(1, 10) i`);
  await api.query("INSERT INTO tag VALUES ($1::uuid, 'open'), ($2::uuid, 'secret')", [OPEN, SECRET]);
});

const city = (id: number, more: object): object => ({
  id,
  name: "New",
  countryCode: "XX",
  population: 1,
  latitude: 1,
  longitude: 1,
  ...more,
});

/** Operations whose records all fail, since the country does not exist. */
const FAILING: Readonly<
  Record<string, readonly [argument: string, type: string, links: (tag: string) => object[]]>
> = {
  bulkUpdateEachCities: [
    "records",
    "[CityUpdateEachInput!]!",
    (tag) => [
      { id: "1", data: { countryCode: "XX", tags: { add: [tag], remove: [] } } },
      { id: "2", data: { countryCode: "XX", tags: { set: [tag, OPEN] } } },
      { id: "3", data: { countryCode: "XX" } },
    ],
  ],
  bulkCreateCities: ["data", "[CityBulkCreateInput!]!", (tag) => [city(20, { tags: [tag] }), city(21, {})]],
  bulkUpsertCities: [
    "records",
    "[CityUpsertInput!]!",
    (tag) => [
      { id: "30", create: city(30, {}), update: { tags: { add: [tag] } } },
      { id: "31", create: city(31, { tags: [OPEN, tag] }), update: {} },
    ],
  ],
};

async function failed(mutation: string, tag: string): Promise<string> {
  const [argument, type, records] = FAILING[mutation] ?? ["", "", () => []];
  const task = await api.run(
    mutation,
    { [argument]: [type, records(tag)] },
    { errorPolicy: "SKIP_FAILED" },
    ALL,
  );
  expect(task).toMatchObject({ status: "FAILED", progress: { succeeded: 0 } });
  return task.id;
}

function unsettled(): Promise<readonly Answer[]> {
  return api.query("SELECT id FROM powercrud.task WHERE finished_at IS NULL");
}

async function retry(id: string, viewer: Viewer): Promise<Answer> {
  const { retryTask } = await api.data(
    `mutation ($id: ID!) { retryTask(id: $id, options: { mode: ASYNC }) {
      __typename ... on Error { message } ... on ValidationError { problems { field code message } }
      ... on TaskLaunched { task { id } } } }`,
    { id },
    viewer,
  );
  // It would block the next test.
  await expect.poll(unsettled).toEqual([]);
  return retryTask;
}

test.each(Object.keys(FAILING))(
  "a retry of %s cannot link with a record that its viewer may not see",
  async (mutation) => {
    const id = await failed(mutation, SECRET);
    const message = `tags: there is no Tag ${SECRET}.`;
    expect(await retry(id, NARROW)).toEqual({
      __typename: "ValidationError",
      message,
      problems: [{ field: "tags", code: "CONSTRAINT_VIOLATED", message }],
    });
    expect(await retry(id, ALL)).toMatchObject({ __typename: "TaskLaunched" });
  },
);

test.each(Object.keys(FAILING))(
  "a retry of %s may link with a record that its viewer sees",
  async (mutation) => {
    expect(await retry(await failed(mutation, OPEN), NARROW)).toMatchObject({ __typename: "TaskLaunched" });
  },
);

test("a retry checks only the links of the records that it writes", async () => {
  const records = [
    { id: "1", data: { tags: { add: [SECRET] } } },
    { id: "2", data: { countryCode: "XX", tags: { add: [OPEN] } } },
  ];
  const { id } = await api.run(
    "bulkUpdateEachCities",
    { records: ["[CityUpdateEachInput!]!", records] },
    { errorPolicy: "SKIP_FAILED" },
    ALL,
  );
  expect(await retry(id, NARROW)).toMatchObject({ __typename: "TaskLaunched" });
});

test("a retry heeds the model's chunkRecords", async () => {
  const records = Array.from({ length: 7 }, (_, at) => ({ id: String(at + 1), data: { countryCode: "XX" } }));
  const { id } = await api.run(
    "bulkUpdateEachCities",
    { records: ["[CityUpdateEachInput!]!", records] },
    { errorPolicy: "SKIP_FAILED" },
  );
  const { task } = await retry(id, ALL);
  expect(
    await api.query("SELECT cardinality(ids) AS n FROM powercrud.chunk WHERE task_id = $1 ORDER BY number", [
      task.id,
    ]),
  ).toEqual([{ n: 3 }, { n: 3 }, { n: 1 }]);
});

test("a retry of a task that is deleted meanwhile finds no task", async () => {
  const id = await failed("bulkCreateCities", OPEN);
  await api.query(`CREATE FUNCTION prune_first() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN DELETE FROM powercrud.task WHERE id = NEW.retry_of; RETURN NEW; END $$`);
  await api.query(`CREATE TRIGGER prune_first BEFORE INSERT ON powercrud.task FOR EACH ROW
    WHEN (NEW.retry_of IS NOT NULL) EXECUTE FUNCTION prune_first()`);
  try {
    expect(await retry(id, ALL)).toMatchObject({
      __typename: "NotFoundError",
      message: `There is no task ${id} any more.`,
    });
  } finally {
    await api.query("DROP TRIGGER prune_first ON powercrud.task");
  }
});
