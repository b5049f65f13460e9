import type { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { createPool } from "../../src/adapters/postgres/connection/create-pool.ts";
import { seedDatabase } from "../../src/compose/seed-database.ts";
import { loadConfig } from "../../src/config/config.ts";
import { generated } from "../../src/generated/powercrud.ts";
import type { AppSeedOptions } from "../../src/compose/define-config.ts";
import type { SeedContext } from "../../src/index.ts";
import { createSilentLogger, defineConfig } from "../../src/index.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { emptying } from "../support/empty-tables.ts";

type Prisma = NonNullable<(typeof generated)["types"]>["client"];

let database: TestDatabase;
let pool: Pool;
const controller = new AbortController();

/** Runs the seed as the command line does. @returns its sentence, and the progress that it showed */
async function run(
  seed: (context: SeedContext<Prisma>) => Promise<string | void>,
): Promise<{ said: string | undefined; shown: (readonly number[])[] }> {
  const shown: (readonly number[])[] = [];
  const said = await seedDatabase({
    config: defineConfig({ generated, seed }),
    databaseUrl: database.url,
    progress: (...counts) => void shown.push(counts),
    signal: controller.signal,
    readVariables: () => ({}),
    logger: createSilentLogger(),
  });
  return { said, shown };
}

const codes = async (): Promise<unknown[]> =>
  (await pool.query<{ code: string }>("SELECT code FROM language")).rows.map(({ code }) => code);

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({
    connectionString: database.url,
    applicationName: "test",
    logger: createSilentLogger(),
  });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => pool.query(emptying("language, tag")));

test("a seed runs once, with Prisma's client, and shows its progress", async () => {
  const seed = async ({ prisma, progress }: SeedContext<Prisma>): Promise<string> => {
    const { count } = await prisma.language.createMany({ data: [{ code: "fr", name: "French" }] });
    progress(count, 1);
    return "seeded a language";
  };
  // option: seed
  expect(await run(seed)).toEqual({ said: "seeded a language", shown: [[1, 1]] });
  expect(await run(seed)).toEqual({
    said: "the database has records, so nothing was seeded",
    shown: [],
  });
  expect(await codes()).toEqual(["fr"]);
});

test("a seed that throws leaves nothing, and is called again", async () => {
  const seed =
    (error: Error | undefined) =>
    async ({ prisma }: SeedContext<Prisma>) => {
      await prisma.language.create({ data: { code: "de", name: "German" } });
      if (error !== undefined) {
        throw error;
      }
    };
  await expect(run(seed(new Error("no more words")))).rejects.toMatchObject({
    code: "START_FAILED",
    message: "the project's seed failed: no more words",
  });
  expect(await codes()).toEqual([]);
  expect(await run(seed(undefined))).toMatchObject({ said: "seeded" });
  expect(await codes()).toEqual(["de"]);
});

test("only one of several runs at once seeds", async () => {
  const seed = async ({ prisma }: SeedContext<Prisma>): Promise<void> => {
    await prisma.tag.create({ data: { label: "once" } });
  };
  const runs = await Promise.all([1, 2, 3].map(() => run(seed)));
  expect(runs.filter(({ said }) => said === "seeded")).toHaveLength(1);
  expect((await pool.query("SELECT label FROM tag")).rows).toEqual([{ label: "once" }]);
});

test("a seed with variables of its own gets their values, and sees for itself whether it has run", async () => {
  const seen: unknown[] = [];
  const size = {
    name: "POWERCRUD_SHELF_SIZE",
    meaning: "Books on a shelf.",
    expected: "a number",
    fallback: 3,
    fallbackText: "3",
    parse: Number,
  };
  const seed = {
    variables: { size },
    run: async ({ databaseUrl, config }: AppSeedOptions) => {
      seen.push([databaseUrl, config["size"]]);
      return `seeded ${JSON.stringify(config["size"])}`;
    },
  };
  const seedWith = (env: Readonly<Record<string, string>>): Promise<string | undefined> =>
    seedDatabase({
      config: defineConfig({ generated, seed }),
      databaseUrl: database.url,
      progress: () => undefined,
      signal: controller.signal,
      readVariables: (variables) => loadConfig(env, variables),
      logger: createSilentLogger(),
    });
  // option: seed.run
  expect(await seedWith({ POWERCRUD_SHELF_SIZE: "7" })).toBe("seeded 7");
  // option: seed.variables.*.fallback
  expect(await seedWith({})).toBe("seeded 3");
  expect(seen).toEqual([7, 3].map((value) => [database.url, value]));
});

test("a project without a seed has nothing to say", async () => {
  const { seed: _, ...config } = demoConfig;
  expect(
    await seedDatabase({
      config,
      databaseUrl: "postgresql://127.0.0.1:1",
      progress: () => undefined,
      signal: controller.signal,
      readVariables: () => ({}),
      logger: createSilentLogger(),
    }),
  ).toBeUndefined();
});
