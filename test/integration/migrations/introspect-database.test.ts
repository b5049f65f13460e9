import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";

import { introspectDatabase } from "../../../src/compose/introspect-database.ts";
import { migrateEngine } from "../../../src/compose/migrate-database.ts";
import { describeCatalog } from "../../support/describe-catalog.ts";
import { createTestDatabase, type TestDatabase } from "../../support/test-database.ts";

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase({ isEmpty: true });
});

afterEach(() => database.drop());

async function run(sql: string): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

const introspect = () => introspectDatabase(database.url, "prisma/schema.prisma");

test("reads models, enums and relations of a database, and changes nothing", async () => {
  await run(`
    CREATE TYPE mood AS ENUM ('GOOD', 'BAD');
    CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL UNIQUE, mood mood DEFAULT 'GOOD');
    CREATE TABLE book (id uuid PRIMARY KEY, author_id int NOT NULL REFERENCES author ON DELETE CASCADE);
    CREATE TABLE note (text text)`);
  await migrateEngine(database.url);
  const before = await describeCatalog(database.url);
  const { file, warnings } = await introspect();
  expect(await describeCatalog(database.url)).toBe(before);
  expect(file.path).toBe("prisma/schema.prisma");
  expect(file.content).toMatch(/^datasource db {\n {2}provider = "postgresql"\n}/);
  expect(file.content).toMatch(/model author {[\s\S]*@unique[\s\S]*@default\(GOOD\)[\s\S]*book\[\]/);
  expect(file.content).toMatch(/@relation\(fields: \[author_id\], references: \[id\], onDelete: Cascade/);
  expect(file.content).not.toMatch(/powercrud|_prisma_migrations/);
  expect(warnings).toMatch(/unique identifier[\s\S]*note/);
});

test("reads all PostgreSQL schemas that have tables", async () => {
  await run(
    "CREATE SCHEMA shop; CREATE TABLE shop.item (id int PRIMARY KEY); CREATE TABLE book (id int PRIMARY KEY)",
  );
  const { file } = await introspect();
  expect(file.content).toContain('schemas  = ["public", "shop"]');
  expect(file.content).toMatch(/model item {[\s\S]*@@schema\("shop"\)/);
});

test("refuses a database without tables", async () => {
  await expect(introspect()).rejects.toMatchObject({
    code: "START_FAILED",
    message: expect.stringContaining("no tables") as string,
  });
});
