import { afterAll, beforeAll, expect, test } from "vitest";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import type { IndexProposal } from "../../../src/adapters/postgres/records/index-proposals.ts";
import { proposeIndexes } from "../../../src/adapters/postgres/records/index-proposals.ts";
import { createTableShapes } from "../../../src/adapters/postgres/records/table-shape.ts";
import type { PowerCrudConfig } from "../../../src/compose/define-config.ts";
import { examineModels } from "../../../src/compose/examine-models.ts";
import { generated } from "../../../src/generated/powercrud.ts";
import type { SqlSession } from "../../../src/kernel/sql-session.ts";
import type { ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

const SEARCHED = { City: { search: ["name", "notes"] } };

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture({
    modelOptions: SEARCHED,
    // As on hosts that keep extensions in a schema of their own, which the search path lacks.
    generated: {
      ...generated,
      sql: 'DROP EXTENSION pg_trgm; CREATE SCHEMA "the extensions"; CREATE EXTENSION pg_trgm SCHEMA "the extensions"',
    },
  });
  await api.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
});
afterAll(() => api.stop());

async function withSession<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result> {
  const connection = await api.connect();
  try {
    return await work(createPgSession(connection));
  } finally {
    connection.release();
  }
}

function proposed(): Promise<readonly IndexProposal[]> {
  return withSession((session) =>
    proposeIndexes({ session, models: api.models, shapes: createTableShapes(session) }),
  );
}

/** What doctor tells of the models. */
function told(): Promise<string | undefined> {
  const loadProject = async (): Promise<PowerCrudConfig> => ({ generated, models: SEARCHED });
  return withSession(async (session) => {
    const { signal } = new AbortController();
    const models = examineModels(loadProject, { session, defaultSchema: "public" });
    return (await models.examine(signal)).detail;
  });
}

test("proposes the indexes that searches and nested lists lack, which serve them", async () => {
  expect(await told()).toBe("Lists and searches lack indexes (2); powercrud migrate prints the SQL.");
  expect(await proposed()).toEqual([
    {
      reason: "search in City: words",
      sql: [
        expect.stringMatching(
          /^CREATE INDEX CONCURRENTLY "city_search_words_idx" ON "public"."city" USING gin /,
        ),
      ],
    },
    {
      reason: "search in City: words with a wrong letter",
      sql: [
        expect.stringMatching(
          /^CREATE INDEX CONCURRENTLY "city_search_near_idx" ON "public"."city" USING gin /,
        ),
      ],
    },
  ]);
  // An index of another expression under the same name takes no part.
  await api.query("CREATE INDEX city_search_words_idx ON city (name)");
  await api.query("DROP INDEX city_country_code_id_idx");
  const missing = await proposed();
  expect(missing.map(({ sql }) => sql.map((statement) => statement.slice(0, 60)))).toEqual([
    ['CREATE INDEX CONCURRENTLY "city_country_code_id_idx" ON "pub'],
    [
      'DROP INDEX CONCURRENTLY "public"."city_search_words_idx"',
      'CREATE INDEX CONCURRENTLY "city_search_words_idx" ON "public',
    ],
    ['CREATE INDEX CONCURRENTLY "city_search_near_idx" ON "public"'],
  ]);
  expect(missing[0]?.reason).toBe("Country.cities; or @@index([countryCode, id]) in the model City");
  for (const { sql } of missing) {
    for (const statement of sql) {
      await api.query(statement);
    }
  }
  expect(await proposed()).toEqual([]);
  await api.query("DROP INDEX city_country_code_id_idx");
  await api.query("CREATE INDEX led_by_key ON city (country_code, population)");
  expect(await proposed()).toEqual([]);
});

test("searches of a large table use them, in plans for their values and in general ones", async () => {
  await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude)
    SELECT 10000 + i, 'Town ' || i, 'FR', i, 1, 1 FROM generate_series(1, 20000) i`);
  await api.query("VACUUM ANALYZE city");
  const nested = "{ countries(first: 1) { nodes { cities(search: $s, first: 2) { nodes { id } } } } }";
  for (const [query, search, indexes] of [
    ["{ cities(search: $s) { totalCount nodes { id } } }", "paris -york", ["city_search_words_idx"]],
    ["{ cities(search: $s) { nodes { id } } }", "pariss", ["city_search_words_idx", "city_search_near_idx"]],
    [
      "{ cities(search: $s, orderBy: [{name: ASC}]) { nodes { id } } }",
      "berlni mit",
      ["city_search_words_idx"],
    ],
    ["{ citiesAggregate(search: $s) { count } }", "frankfurt", ["city_search_near_idx"]],
    [nested, "par", []],
  ] as const) {
    await api.data(`query($s: String) ${query}`, { s: search });
    const { text, values } = api.lastStatement();
    const plans = await Promise.all([
      api.query(`EXPLAIN (FORMAT JSON) ${text}`, values),
      api.query(`EXPLAIN (FORMAT JSON, GENERIC_PLAN) ${text}`),
    ]);
    for (const plan of plans.map((each) => JSON.stringify(each))) {
      expect(plan).not.toMatch(/"Node Type":"Seq Scan"[^{}]*"Relation Name":"city"/);
      indexes.forEach((index) => expect(plan).toContain(`"Index Name":"${index}"`));
    }
  }
});

test("does without what needs pg_trgm where that is missing, and doctor tells so", async () => {
  expect(await told()).toBeUndefined();
  await api.query("DROP EXTENSION pg_trgm CASCADE");
  expect(await proposed()).toEqual([]);
  expect(await told()).toBe(
    "Searches find no words with a wrong letter: the database lacks the extension pg_trgm. Run: CREATE EXTENSION pg_trgm, and restart.",
  );
});
