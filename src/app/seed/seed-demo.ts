import { Client } from "pg";

import { DEMO_TAGS } from "./demo-tags.ts";
import type { DemoCity } from "./demo-cities.ts";
import type { DemoCountry } from "./demo-countries.ts";
import { SEED_MARK, SEED_STATEMENTS } from "./seed-statements.ts";

/** What the seed needs. */
export interface SeedOptions {
  /** A migrated database. */
  readonly databaseUrl: string;
  readonly config: {
    /** How many cities, the most populous first; `Infinity` for all. */
    readonly seedCities: number;
  };
  /** Called after each batch of cities, first with none done. */
  readonly onProgress?: (doneCount: number, totalCount: number) => void;
  /** Gives the seed up; nothing of it stays. */
  readonly signal?: AbortSignal;
}

/** What the seed did. */
export interface SeedOutcome {
  /** SEEDED_BEFORE: it was done. NOT_EMPTY: somebody's own records are there, and nothing was added to them. */
  readonly kind: "SEEDED" | "SEEDED_BEFORE" | "NOT_EMPTY";
  /** The same in words, with the counts. */
  readonly summary: string;
}

const SEEDED_BEFORE: SeedOutcome = { kind: "SEEDED_BEFORE", summary: "the demo data was there already" };
const NOT_EMPTY: SeedOutcome = {
  kind: "NOT_EMPTY",
  summary: "the demo's tables have records of their own, so nothing was seeded",
};

/** Rows of one INSERT: large enough that round trips do not count, small enough that progress is seen. */
const BATCH = 5000;

/**
 * Fills the demo's tables, once: all in one transaction together with the mark that it was done, so a crash in the
 * middle leaves nothing and the next start begins anew.
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
    return outcome;
  } finally {
    // Ends an open transaction, too.
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
  // These parse some megabytes; a start that seeds nothing does without.
  const [{ demoCities }, { demoCountries, demoLanguages }] = await Promise.all([
    import("./demo-cities.ts"),
    import("./demo-countries.ts"),
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
