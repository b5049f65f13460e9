import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";

import { migrateDatabase } from "../../../src/compose/migrate-database.ts";
import type { MigrateReport, NewMigration } from "../../../src/compose/migrate-options.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import { createTestDatabase, type TestDatabase } from "../../support/test-database.ts";

const PROJECT = resolve(import.meta.dirname, "../../..");
const DATASOURCE = 'datasource db {\n  provider = "postgresql"\n}\n';
const BOOK = "model Book {\n  id Int @id\n  title String\n}\n";
const CREATE_BOOK =
  'CREATE TABLE "Book" ("id" INTEGER NOT NULL, "title" TEXT NOT NULL, CONSTRAINT "Book_pkey" PRIMARY KEY ("id"));';

let database: TestDatabase;
let project: TemporaryFolder;

beforeEach(async () => {
  database = await createTestDatabase({ isEmpty: true });
  project = await createTemporaryFolder("project");
  await write("prisma/schema.prisma", DATASOURCE);
});

afterEach(async () => {
  await database.drop();
  await project.remove();
});

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(project.path, name)), { recursive: true });
  await writeFile(join(project.path, name), text);
}

function writeMigration(name: string, sql: string): Promise<void> {
  return write(`prisma/migrations/${name}/migration.sql`, sql);
}

function migrate(newMigration?: Partial<NewMigration>, projectDir = project.path): Promise<MigrateReport> {
  return migrateDatabase({
    databaseUrl: database.url,
    projectDir,
    ...(newMigration === undefined
      ? {}
      : { newMigration: { name: "change", isDraft: false, now: new Date(), ...newMigration } }),
  });
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

test("applies the engine's and the demo's migrations once, each with its own history", async () => {
  const first = await migrate(undefined, PROJECT);
  expect(first.engineApplied.length).toBeGreaterThan(0);
  expect(first.appApplied.length).toBeGreaterThan(0);
  expect(first).toMatchObject({ missing: [] });
  // The committed migrations make the committed Prisma schema.
  expect(first).not.toHaveProperty("drift");
  expect(await migrate(undefined, PROJECT)).toEqual({ engineApplied: [], appApplied: [], missing: [] });
  expect(
    await query(
      "SELECT table_schema FROM information_schema.tables WHERE table_name = '_prisma_migrations' ORDER BY 1",
    ),
  ).toEqual([{ table_schema: "powercrud" }, { table_schema: "public" }]);
});

test("several runs at once apply each migration once", async () => {
  const reports = await Promise.all([1, 2, 3].map(() => migrate(undefined, PROJECT)));
  expect(reports.filter(({ engineApplied }) => engineApplied.length > 0)).toHaveLength(1);
  expect(reports.filter(({ appApplied }) => appApplied.length > 0)).toHaveLength(1);
});

test("the history equals that of prisma migrate deploy", async () => {
  await writeMigration("20260101000000_book", CREATE_BOOK);
  await migrate();
  const rows = await query(
    "SELECT migration_name, checksum, applied_steps_count, finished_at IS NOT NULL AS is_done FROM _prisma_migrations",
  );
  expect(rows).toEqual([
    {
      migration_name: "20260101000000_book",
      checksum: createHash("sha256").update(CREATE_BOOK).digest("hex"),
      applied_steps_count: 1,
      is_done: true,
    },
  ]);
});

test("semicolons in comments, texts and functions do not cut a script", async () => {
  await writeMigration(
    "20260101000000_function",
    `-- one; two
     CREATE FUNCTION answer() RETURNS int LANGUAGE plpgsql AS $$
     BEGIN
       PERFORM 'a;b';
       RETURN 42;
     END $$;`,
  );
  await migrate();
  expect(await query("SELECT answer()")).toEqual([{ answer: 42 }]);
});

test("a failing migration changes nothing, is reported with its line, and can be corrected", async () => {
  await writeMigration("20260101000000_good", "CREATE TABLE good (id int);");
  await writeMigration("20260102000000_bad", "CREATE TABLE half (id int);\nCREATE TABLE bad (id nonsense);");
  await expect(migrate()).rejects.toMatchObject({
    code: "MIGRATION_FAILED",
    message: expect.stringMatching(
      /20260102000000_bad\/migration\.sql:2: type "nonsense" does not exist$/,
    ) as string,
  });
  expect(await query("SELECT to_regclass('good') IS NOT NULL AS good, to_regclass('half') AS half")).toEqual([
    { good: true, half: null },
  ]);
  await writeMigration("20260102000000_bad", "CREATE TABLE half (id int);");
  expect(await migrate()).toMatchObject({ appApplied: ["20260102000000_bad"] });
});

test("statements that cannot run in a transaction are applied outside one", async () => {
  await writeMigration("20260101000000_table", "CREATE TABLE good (id int);");
  await writeMigration("20260102000000_index", "CREATE INDEX CONCURRENTLY good_id ON good (id);");
  expect((await migrate()).appApplied).toHaveLength(2);
});

test("an enum's new value can be used by the next migration of the same run", async () => {
  await writeMigration("20260101000000_enum", "CREATE TYPE mood AS ENUM ('GOOD'); CREATE TABLE t (m mood);");
  await writeMigration("20260102000000_value", "ALTER TYPE mood ADD VALUE 'BAD';");
  await writeMigration("20260103000000_use", "INSERT INTO t VALUES ('BAD');");
  expect((await migrate()).appApplied).toHaveLength(3);
});

test("a migration that was edited after it was applied is refused", async () => {
  await writeMigration("20260101000000_book", CREATE_BOOK);
  await migrate();
  await writeMigration("20260101000000_book", `${CREATE_BOOK} -- edited`);
  await expect(migrate()).rejects.toMatchObject({
    code: "MIGRATION_FAILED",
    message: expect.stringContaining(
      "20260101000000_book/migration.sql was changed after it had been applied",
    ) as string,
  });
});

test("migrations that the database has and the folder lacks are reported", async () => {
  await writeMigration("20260101000000_book", CREATE_BOOK);
  await migrate();
  const other = await createTemporaryFolder("project");
  await mkdir(join(other.path, "prisma"));
  await writeFile(join(other.path, "prisma/schema.prisma"), DATASOURCE + BOOK);
  expect(await migrate(undefined, other.path)).toMatchObject({ missing: ["20260101000000_book"] });
  await other.remove();
});

test("a model without a migration is reported, and a new migration creates it", async () => {
  await write("prisma/schema.prisma", DATASOURCE + BOOK);
  expect((await migrate()).drift).toContain('CREATE TABLE "Book"');
  const report = await migrate({ name: "add_book", now: new Date("2026-05-04T03:02:01.999Z") });
  expect(report).toMatchObject({
    appApplied: ["20260504030201_add_book"],
    written: "prisma/migrations/20260504030201_add_book/migration.sql",
  });
  expect(await readFile(join(project.path, "prisma/migrations/migration_lock.toml"), "utf8")).toContain(
    'provider = "postgresql"',
  );
  expect(await query('SELECT count(*)::int AS count FROM "Book"')).toEqual([{ count: 0 }]);
  expect(await migrate({ name: "nothing" })).toEqual({ engineApplied: [], appApplied: [], missing: [] });
});

test("a draft is written and not applied before the next run", async () => {
  await write("prisma/schema.prisma", DATASOURCE + BOOK);
  expect(await migrate({ isDraft: true })).toMatchObject({ heldBack: "DRAFT", appApplied: [] });
  expect((await migrate()).appApplied).toHaveLength(1);
});

test("a new migration that would lose data is written but not applied", async () => {
  await write("prisma/schema.prisma", DATASOURCE + BOOK);
  await migrate({ name: "add_book", now: new Date("2026-01-01") });
  await query(`INSERT INTO "Book" VALUES (1, 'Emma')`);
  await write("prisma/schema.prisma", DATASOURCE + BOOK.replace("  title String\n", ""));
  const report = await migrate({ name: "drop_title" });
  expect(report).toMatchObject({ heldBack: "DESTRUCTIVE", appApplied: [] });
  expect(await query('SELECT title FROM "Book"')).toEqual([{ title: "Emma" }]);
  expect(await readdir(join(project.path, "prisma/migrations"))).toHaveLength(3);
});

test("a Prisma schema with a mistake is refused with the reason", async () => {
  await write("prisma/schema.prisma", `${DATASOURCE}model Book {\n  id Nonsense @id\n}\n`);
  await expect(migrate()).rejects.toMatchObject({
    code: "MIGRATION_FAILED",
    message: expect.stringContaining('Type "Nonsense" is neither a built-in type') as string,
  });
});
