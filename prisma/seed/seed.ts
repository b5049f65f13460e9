import { Client } from "pg";

import type { AppSeed } from "powercrud-graphql";
import type { DemoCity } from "./cities.ts";
import { DEMO_TAGS } from "./cities.ts";
import type { DemoCountry } from "./countries.ts";

/** The environment variables of the demo. */
export const SEED_VARIABLES = {
  seedCities: {
    name: "POWERCRUD_SEED_CITIES",
    meaning:
      "How many cities the demo seeds, the most populous first. Heeded once: a seeded database is left alone.",
    expected: "all, or a whole number",
    fallback: Infinity,
    fallbackText: "all",
    parse(text: string): number | undefined {
      return text === "all" ? Infinity : /^\d{1,9}$/.test(text) ? Number(text) : undefined;
    },
  },
};

/** The demo's data: countries, languages, tags and cities. */
export const demoSeed: AppSeed = {
  variables: SEED_VARIABLES,
  async run({ config, progress, ...options }) {
    const { seedCities } = config as SeedOptions["config"];
    const { summary } = await seedDemo({ ...options, onProgress: progress, config: { seedCities } });
    return summary;
  },
};

/** The comment that marks the tables as seeded. */
const SEED_MARK = "powercrud: demo data seeded";

/** The statements of the seed. Each takes whole columns as arrays, so that a batch is one round trip. */
const SEED_STATEMENTS = {
  /** The mark is a comment on a table: transactional, invisible to the API, and gone when the table is. */
  readMark: `SELECT obj_description('country'::regclass, 'pg_class') AS mark`,
  /** If two processes start together, the second one waits here, and then finds the mark. */
  keepOthersOut: `LOCK TABLE country IN SHARE ROW EXCLUSIVE MODE`,
  hasRecords: `SELECT EXISTS (SELECT FROM country) OR EXISTS (SELECT FROM language) OR EXISTS (SELECT FROM tag) AS found`,
  insertLanguages: `INSERT INTO language (code, name) SELECT * FROM unnest($1::text[], $2::text[])`,
  insertCountries: `
    INSERT INTO country (code, name, continent, capital, currency)
    SELECT code, name, continent::"Continent", capital, currency
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
      AS c (code, name, continent, capital, currency)`,
  connectLanguages: `INSERT INTO "_CountryToLanguage" ("A", "B") SELECT * FROM unnest($1::text[], $2::text[])`,
  insertTags: `INSERT INTO tag (id, label) SELECT * FROM unnest($1::uuid[], $2::text[])`,
  insertCities: `
    INSERT INTO city (id, name, country_code, population, latitude, longitude, rank_in_country, population_share)
    SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::int[], $5::float8[], $6::float8[], $7::int[], $8::float8[])`,
  connectTags: `INSERT INTO "_CityToTag" ("A", "B") SELECT * FROM unnest($1::int[], $2::uuid[])`,
  sumPopulations: `
    UPDATE country SET population = listed.population, city_count = listed.cities
    FROM (SELECT country_code, sum(population) AS population, count(*) AS cities FROM city GROUP BY country_code) listed
    WHERE listed.country_code = country.code`,
  writeMark: `COMMENT ON TABLE country IS '${SEED_MARK}'`,
  /**
   * What autovacuum does within a minute: until then each count reads every row of the table. Where the tables are another
   * role's, PostgreSQL warns and leaves them.
   */
  tidyUp: `VACUUM (ANALYZE) country, language, "_CountryToLanguage", tag, city, "_CityToTag"`,
};

/** The options of the seed. */
export interface SeedOptions {
  /** A migrated database. */
  readonly databaseUrl: string;
  readonly config: {
    /** How many cities, the most populous first; `Infinity` for all. */
    readonly seedCities: number;
  };
  /** Called after each batch of cities, first with none done. */
  readonly onProgress?: (doneCount: number, totalCount: number) => void;
  /** Aborts the seed, which is rolled back. */
  readonly signal?: AbortSignal;
}

/** The result of the seed. */
export interface SeedOutcome {
  /** SEEDED_BEFORE: an earlier run did it. NOT_EMPTY: the tables hold other records, so nothing was added. */
  readonly kind: "SEEDED" | "SEEDED_BEFORE" | "NOT_EMPTY";
  /** A sentence with the counts. */
  readonly summary: string;
}

const SEEDED_BEFORE: SeedOutcome = { kind: "SEEDED_BEFORE", summary: "the demo data was there already" };
const NOT_EMPTY: SeedOutcome = {
  kind: "NOT_EMPTY",
  summary: "the demo's tables have records of their own, so nothing was seeded",
};

/** Rows per INSERT: large for few round trips, small enough to show progress. */
const BATCH = 5000;

/**
 * Fills the demo's tables once. The records and the mark are written in one transaction, so a crash leaves nothing, and the
 * next start begins again.
 */
export async function seedDemo(options: SeedOptions): Promise<SeedOutcome> {
  const client = new Client({ connectionString: options.databaseUrl, application_name: "powercrud seed" });
  await client.connect();
  try {
    if (await isMarked(client)) {
      return SEEDED_BEFORE;
    }
    await client.query("BEGIN");
    const outcome = await seedWithin(client, options);
    await client.query("COMMIT");
    if (outcome.kind === "SEEDED") {
      await client.query(SEED_STATEMENTS.tidyUp);
    }
    return outcome;
  } finally {
    // Also ends an open transaction.
    await client.end();
  }
}

async function seedWithin(client: Client, options: SeedOptions): Promise<SeedOutcome> {
  await client.query(SEED_STATEMENTS.keepOthersOut);
  if (await isMarked(client)) {
    return SEEDED_BEFORE;
  }
  const { rows } = await client.query<{ found: boolean }>(SEED_STATEMENTS.hasRecords);
  if (rows[0]?.found === true) {
    return NOT_EMPTY;
  }
  // Imported only now: these modules parse megabytes, which a start without a seed does not need.
  const [{ demoCities }, { demoCountries, demoLanguages }] = await Promise.all([
    import("./cities.ts"),
    import("./countries.ts"),
  ]);
  const languages = demoLanguages();
  const countries = demoCountries();
  const cities = demoCities(options.config.seedCities);
  await insert(client, SEED_STATEMENTS.insertLanguages, languages, ["code", "name"]);
  await insertCountries(client, countries);
  await insert(client, SEED_STATEMENTS.insertTags, DEMO_TAGS, ["id", "label"]);
  await insertCities(client, cities, options);
  await client.query(SEED_STATEMENTS.sumPopulations);
  await client.query(SEED_STATEMENTS.writeMark);
  return {
    kind: "SEEDED",
    summary: `seeded ${countries.length} countries, ${languages.length} languages and ${cities.length} cities`,
  };
}

async function isMarked(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ mark: string | null }>(SEED_STATEMENTS.readMark);
  return rows[0]?.mark === SEED_MARK;
}

async function insertCountries(client: Client, countries: readonly DemoCountry[]): Promise<void> {
  await insert(client, SEED_STATEMENTS.insertCountries, countries, [
    "code",
    "name",
    "continent",
    "capital",
    "currency",
  ]);
  const spoken = countries.flatMap(({ code, languageCodes }) =>
    languageCodes.map((languageCode) => ({ code, languageCode })),
  );
  await insert(client, SEED_STATEMENTS.connectLanguages, spoken, ["code", "languageCode"]);
}

async function insertCities(
  client: Client,
  cities: readonly DemoCity[],
  { onProgress, signal }: SeedOptions,
): Promise<void> {
  onProgress?.(0, cities.length);
  for (let start = 0; start < cities.length; start += BATCH) {
    signal?.throwIfAborted();
    const batch = cities.slice(start, start + BATCH);
    await insert(client, SEED_STATEMENTS.insertCities, batch, [
      "id",
      "name",
      "countryCode",
      "population",
      "latitude",
      "longitude",
      "rankInCountry",
      "populationShare",
    ]);
    const tagged = DEMO_TAGS.flatMap((tag) =>
      batch.filter((city) => tag.includes(city)).map((city) => ({ cityId: city.id, tagId: tag.id })),
    );
    await insert(client, SEED_STATEMENTS.connectTags, tagged, ["cityId", "tagId"]);
    onProgress?.(start + batch.length, cities.length);
  }
}

/** Runs a statement with one array per column. */
async function insert<Row>(
  client: Client,
  statement: string,
  rows: readonly Row[],
  columns: readonly (keyof Row)[],
): Promise<void> {
  await client.query(
    statement,
    columns.map((column) => rows.map((row) => row[column])),
  );
}
