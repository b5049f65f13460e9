import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";

import { seedDemo, type SeedOptions, type SeedOutcome } from "../../prisma/seed/seed.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database.drop());

function seed(seedCities: number, options: Partial<SeedOptions> = {}): Promise<SeedOutcome> {
  return seedDemo({ databaseUrl: database.url, config: { seedCities }, ...options });
}

async function query<Row extends object>(sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const COUNTS = `SELECT
  (SELECT count(*) FROM country)::int AS countries, (SELECT count(*) FROM language)::int AS languages,
  (SELECT count(*) FROM city)::int AS cities, (SELECT count(*) FROM tag)::int AS tags`;

test("seeds all countries and languages and the most populous cities, once", async () => {
  expect(await seed(500)).toEqual({
    kind: "SEEDED",
    summary: "seeded 252 countries, 185 languages and 500 cities",
  });
  expect(await query(COUNTS)).toEqual([{ countries: 252, languages: 185, cities: 500, tags: 6 }]);
  expect(await query("SELECT name, country_code, population, status FROM city WHERE id = 2988507")).toEqual([
    { name: "Paris", country_code: "FR", population: 2_138_551, status: "ACTIVE" },
  ]);
  expect(
    await query(
      `SELECT count(*)::int AS wrong FROM country WHERE population IS DISTINCT FROM
       (SELECT sum(population) FROM city WHERE country_code = code)`,
    ),
  ).toEqual([{ wrong: 0 }]);
  expect(
    await query(
      `SELECT t.label FROM tag t JOIN "_CityToTag" ct ON ct."B" = t.id WHERE ct."A" = 2988507 ORDER BY label`,
    ),
  ).toEqual([{ label: "capital" }, { label: "million-plus" }]);
  expect(await query(`SELECT "B" AS language FROM "_CountryToLanguage" WHERE "A" = 'CH' ORDER BY 1`)).toEqual(
    [{ language: "de" }, { language: "fr" }, { language: "it" }],
  );
  // PostgreSQL knows how large the table is: it has been vacuumed.
  expect(await query(`SELECT reltuples::int AS known FROM pg_class WHERE oid = 'city'::regclass`)).toEqual([
    { known: 500 },
  ]);
  await query("DELETE FROM city");
  expect(await seed(500)).toMatchObject({ kind: "SEEDED_BEFORE" });
  expect(await query(COUNTS)).toMatchObject([{ cities: 0 }]);
});

test("all 135,233 cities, with progress", async () => {
  const progress: [number, number][] = [];
  await seed(Infinity, { onProgress: (done, total) => progress.push([done, total]) });
  expect(await query(COUNTS)).toEqual([{ countries: 252, languages: 185, cities: 135_233, tags: 6 }]);
  expect(progress[0]).toEqual([0, 135_233]);
  expect(progress.at(-1)).toEqual([135_233, 135_233]);
  expect(progress.length).toBeGreaterThan(20);
});

test("a seed that is stopped leaves nothing, and the next run does all", async () => {
  const stop = new AbortController();
  const stopped = seed(Infinity, {
    signal: stop.signal,
    onProgress: (done) => {
      if (done > 0) {
        stop.abort(new Error("stopped"));
      }
    },
  });
  await expect(stopped).rejects.toThrow("stopped");
  expect(await query(COUNTS)).toEqual([{ countries: 0, languages: 0, cities: 0, tags: 0 }]);
  expect(await seed(10)).toMatchObject({ kind: "SEEDED" });
});

test("only one of several runs at once seeds", async () => {
  const outcomes = await Promise.all([1, 2, 3].map(() => seed(100)));
  expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(["SEEDED", "SEEDED_BEFORE", "SEEDED_BEFORE"]);
});

test("existing records are left alone", async () => {
  await query("INSERT INTO language (code, name) VALUES ('xx', 'Mine')");
  expect(await seed(100)).toMatchObject({ kind: "NOT_EMPTY" });
  expect(await query(COUNTS)).toEqual([{ countries: 0, languages: 1, cities: 0, tags: 0 }]);
});
