import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import { migrateDatabase } from "../../../src/compose/migrate-database.ts";
import type { MigrateOptions, MigrateReport } from "../../../src/compose/migrate-options.ts";
import { findPendingMigrations } from "../../../src/compose/migrations.ts";
import { describeCatalog } from "../../support/describe-catalog.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import { createTestDatabase, type TestDatabase } from "../../support/test-database.ts";

const DATASOURCE = 'datasource db {\n  provider = "postgresql"\n}\n';
const BOOK = "model Book {\n  id Int @id\n  title String\n}\n";
const CREATE_BOOK = 'CREATE TABLE "Book" ("id" INTEGER PRIMARY KEY, "title" TEXT NOT NULL);';

let database: TestDatabase;
let project: TemporaryFolder;

beforeEach(async () => {
  database = await createTestDatabase({ isEmpty: true });
  project = await createTemporaryFolder("project");
  await write("prisma/schema.prisma", DATASOURCE + BOOK);
});

afterEach(async () => {
  await database.drop();
  await project.remove();
});

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(project.path, name)), { recursive: true });
  await writeFile(join(project.path, name), text);
}

function migrate(options: Partial<MigrateOptions> = {}): Promise<MigrateReport> {
  return migrateDatabase({ databaseUrl: database.url, projectDir: project.path, ...options });
}

async function query<Row extends object>(sql: string): Promise<Row[]> {
  return withClient(async (client) => (await client.query<Row>(sql)).rows);
}

function findPending(databaseUrl = database.url): Promise<readonly string[]> {
  return withClient((client) =>
    findPendingMigrations(createPgSession(client), { projectDir: project.path, databaseUrl }),
  );
}

async function withClient<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const STRANGER = `
  CREATE SCHEMA shop;
  CREATE TABLE stranger (id int GENERATED ALWAYS AS IDENTITY, note text DEFAULT 'none' CHECK (note <> ''));
  CREATE TABLE shop.item (id uuid PRIMARY KEY);
  CREATE VIEW shop.view AS SELECT id FROM shop.item;
  COMMENT ON TABLE stranger IS 'not ours'`;

describe("a database with tables and without a migration history", () => {
  beforeEach(() => query(STRANGER));

  test.for([{ isEmbedded: false }, { isCareful: true }])(
    "is left alone, though the project has migrations: %o",
    async (options) => {
      await write("prisma/migrations/20260101000000_book/migration.sql", CREATE_BOOK);
      const before = await describeCatalog(database.url);
      expect(await migrate(options)).toMatchObject({ appApplied: [], missing: [], isUnmanaged: true });
      expect(await describeCatalog(database.url)).toBe(before);
      expect(await findPending()).toEqual([]);
    },
  );

  test("takes no new migration, which would lack the tables that are there", async () => {
    const newMigration = { name: "book", isDraft: false, now: new Date() };
    await expect(migrate({ newMigration })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringContaining("tables but no migration history") as string,
    });
  });
});

describe("a database with a migration history of its own", () => {
  const second = () =>
    write("prisma/migrations/20260102000000_more/migration.sql", 'ALTER TABLE "Book" ADD "pages" INTEGER;');

  beforeEach(async () => {
    await write("prisma/migrations/20260101000000_book/migration.sql", CREATE_BOOK);
    await migrate();
    await query("DROP SCHEMA powercrud CASCADE");
  });

  test("gets the engine's schema, and nothing else changes", async () => {
    const before = await describeCatalog(database.url);
    expect(before).toContain("20260101000000_book");
    expect(await migrate({ isCareful: true })).toMatchObject({ appApplied: [], missing: [] });
    expect(await describeCatalog(database.url)).toBe(before);
  });

  test("keeps its tables where a careful run finds pending migrations, which it names", async () => {
    await second();
    const before = await describeCatalog(database.url);
    await expect(migrate({ isCareful: true })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: "the database lacks migrations: 20260102000000_more; run: npx powercrud migrate",
    });
    expect(await describeCatalog(database.url)).toBe(before);
    expect(await findPending()).toEqual(["20260102000000_more"]);
    expect(await migrate()).toMatchObject({ appApplied: ["20260102000000_more"] });
  });
});

test("an empty database gets all migrations, from where prisma.config.ts says, into the schema of the URL", async () => {
  await write("prisma/schema.prisma", "");
  await write("db/models/book.prisma", BOOK);
  await write("db/models/main.prisma", DATASOURCE);
  await write("history/20260101000000_book/migration.sql", CREATE_BOOK);
  await write(
    "prisma.config.ts",
    `export default {
      schema: "db/models",
      migrations: { path: "history" },
      datasource: { url: process.env["NO_SUCH_URL"] ?? "" },
    };`,
  );
  await query("CREATE SCHEMA shop");
  const databaseUrl = `${database.url}?schema=shop`;
  expect(await findPending(databaseUrl)).toContain("20260101000000_book");
  const report = await migrate({ databaseUrl, isCareful: true });
  expect(report).toEqual({
    engineApplied: expect.any(Array) as string[],
    appApplied: ["20260101000000_book"],
    missing: [],
  });
  expect(await findPending(databaseUrl)).toEqual([]);
  expect(
    await query(
      "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('shop', 'public') ORDER BY 1",
    ),
  ).toEqual([{ name: "shop.Book" }, { name: "shop._prisma_migrations" }]);
});

describe("the embedded database of a project without migrations", () => {
  test("follows the Prisma schema as long as that loses nothing", async () => {
    expect(await migrate({ isEmbedded: true })).toMatchObject({ appApplied: [], missing: [] });
    await query(`INSERT INTO "Book" VALUES (1, 'Emma')`);
    await write(
      "prisma/schema.prisma",
      DATASOURCE + BOOK.replace("title String", "title String\n  pages Int?"),
    );
    const report = await migrate({ isEmbedded: true });
    expect(report).not.toHaveProperty("drift");
    expect(await query('SELECT * FROM "Book"')).toEqual([{ id: 1, title: "Emma", pages: null }]);

    await write("prisma/schema.prisma", DATASOURCE + BOOK.replace("title String", "pages Int?"));
    await expect(migrate({ isEmbedded: true })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringMatching(/would lose data:\n- .*`title`[\s\S]*POWERCRUD_DATA_DIR/) as string,
    });
    expect(await query('SELECT * FROM "Book"')).toEqual([{ id: 1, title: "Emma", pages: null }]);
    expect(await findPending()).toEqual([]);
  });

  test("an own empty database does not: its tables are its owner's to make", async () => {
    expect((await migrate()).drift).toContain('CREATE TABLE "Book"');
    expect(await query("SELECT to_regclass('\"Book\"') AS book")).toEqual([{ book: null }]);
  });
});
