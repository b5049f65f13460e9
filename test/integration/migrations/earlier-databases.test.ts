import { join, resolve } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from "vitest";
import { readMigrationFolder } from "../../../src/adapters/prisma/migration-folder.ts";
import { openSchemaEngine } from "../../../src/adapters/prisma/schema-engine.ts";
import { migrateDatabase } from "../../../src/compose/migrate-database.ts";
import { findPendingMigrations } from "../../../src/compose/migrations.ts";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const PROJECT = resolve(import.meta.dirname, "../../..");
/** The engine's migrations before they were merged into one. */
const EARLIER = join(import.meta.dirname, "earlier");

/** Everything in the engine's schema as text, in an order that does not depend on its age. */
const CATALOG = [
  `SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, a.attidentity,
          a.attstorage, pg_get_expr(d.adbin, d.adrelid) AS default, l.collname, c.reloptions
   FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation
   WHERE c.relnamespace = 'powercrud'::regnamespace AND c.relname <> '_prisma_migrations'
     AND c.relname NOT LIKE '%\\_prisma\\_migrations%' ORDER BY 1, 3`,
  "SELECT indexdef FROM pg_indexes WHERE schemaname = 'powercrud' ORDER BY 1",
  `SELECT conrelid::regclass::text AS table, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
   WHERE connamespace = 'powercrud'::regnamespace ORDER BY 1, 2`,
  `SELECT oid::regprocedure::text AS signature, pg_get_functiondef(oid) AS definition FROM pg_proc
   WHERE pronamespace = 'powercrud'::regnamespace ORDER BY 1`,
  `SELECT tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger
   WHERE tgrelid::regclass::text LIKE 'powercrud.%' AND NOT tgisinternal ORDER BY 1`,
  "SELECT sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'powercrud' ORDER BY 1",
  "SELECT hash FROM powercrud.function_hash",
  `SELECT migration_name, checksum, rolled_back_at, finished_at IS NOT NULL AS is_finished
   FROM powercrud._prisma_migrations ORDER BY 1`,
];

const TASK = "01936f00-0000-7000-8000-000000000001";
const WAITING = "01936f00-0000-7000-8000-000000000002";

/** A task that holds records of two models, one in line behind it, and an event. */
const CONTENT = `
  INSERT INTO powercrud.task (id, kind, model, status, error_policy, viewer, input, input_hash, created_at, claims)
  VALUES ('${TASK}', 'bulkUpdate', 'City', 'PENDING', 'SKIP_FAILED', '{"id": null}', '{}', 'a', now(),
          '[{"model": "City", "ids": "chunks"}, {"model": "Tag", "ids": "all", "scope": "north"}]'),
         ('${WAITING}', 'bulkUpdate', 'City', 'WAITING', 'SKIP_FAILED', '{"id": null}', '{}', 'b', now(),
          '[{"model": "City", "ids": ["1"]}]');
  INSERT INTO powercrud.chunk (task_id, number, ids) VALUES ('${TASK}', 1, '{1,2}'), ('${TASK}', 2, '{3}');
  INSERT INTO powercrud.event (task_id, sequence, type, at, progress) VALUES ('${TASK}', 1, 'CREATE', now(), '{}');`;

/** As acquire_lock stored locks. */
const HELD_HERE = `
  INSERT INTO powercrud.lock (owner, model, scope, lowest, highest, ids)
  VALUES ('${TASK}', 'City', '', '1', '3', '{1,2,3}'), ('${TASK}', 'Tag', 'north', NULL, NULL, NULL);`;
const IN_LINE = `
  INSERT INTO powercrud.lock (owner, model, lowest, highest, ids, ticket)
  VALUES ('${WAITING}', 'City', '1', '1', '{1}', nextval('powercrud.lock_ticket'));`;
const HELD_IN_REDIS = "UPDATE powercrud.backend SET name = 'redis';";

let database: TestDatabase;
let client: Client;

beforeEach(async () => {
  database = await createTestDatabase({ isEmpty: true });
  client = new Client({ connectionString: database.url });
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

/** Applies the engine's earlier migrations, with their history. */
async function migrateEarlier(count?: number): Promise<void> {
  const list = await readMigrationFolder(EARLIER);
  const engine = await openSchemaEngine({ databaseUrl: database.url, schema: "powercrud" });
  try {
    const migrationDirectories = list.migrationDirectories.slice(0, count);
    const { applied } = await engine.applyMigrations({ ...list, migrationDirectories });
    expect(applied).toHaveLength(count ?? 4);
  } finally {
    await engine.close();
  }
}

const migrate = () => migrateDatabase({ databaseUrl: database.url, projectDir: PROJECT });

async function readCatalog(from: Client): Promise<readonly unknown[]> {
  const parts: unknown[] = [];
  for (const query of CATALOG) {
    parts.push((await from.query(query)).rows);
  }
  return parts;
}

async function rows(sql: string): Promise<readonly unknown[]> {
  return (await client.query(sql)).rows;
}

describe("a database of the engine's earlier migrations", () => {
  let fresh: readonly unknown[];
  beforeAll(async () => {
    const other = await createTestDatabase({ isEmpty: true });
    await migrateDatabase({ databaseUrl: other.url, projectDir: PROJECT });
    const reader = new Client({ connectionString: other.url });
    await reader.connect();
    fresh = await readCatalog(reader);
    await reader.end();
    await other.drop();
  });
  afterAll(() => undefined);

  it.each([
    ["in PostgreSQL", HELD_HERE],
    ["in Redis", HELD_IN_REDIS],
  ])(
    "is migrated to the schema of a new one, and keeps tasks, lines and locks that were %s",
    async (_where, held) => {
      await migrateEarlier();
      await client.query(`${CONTENT} ${held} ${IN_LINE}`);
      const report = await migrate();
      expect(report.missing).toEqual([]);
      expect(report.engineApplied).toEqual([
        "20261128000000_toolkit",
        "20261129000000_api_keys",
        "20261129000000_operations",
        "20261129000001_rates",
        "20261130000001_preview",
        "20261130000002_imports",
        "20261130000003_files",
        "20261130000012_files",
        "20261130000013_saved_views",
        "20261201000014_files",
        "functions",
      ]);
      expect(await readCatalog(client)).toEqual(fresh);
      expect(
        await rows("SELECT owner, model, scope, ids FROM powercrud.lock WHERE ticket IS NULL ORDER BY model"),
      ).toEqual([
        { owner: TASK, model: "City", scope: "", ids: ["1", "2", "3"] },
        { owner: TASK, model: "Tag", scope: "north", ids: null },
      ]);
      expect(await rows("SELECT owner, ids FROM powercrud.lock WHERE ticket IS NOT NULL")).toEqual([
        { owner: WAITING, ids: ["1"] },
      ]);
      expect(await rows("SELECT owner FROM powercrud.guard_record('City', '3', '')")).toEqual([
        { owner: TASK },
      ]);
      expect(await rows("SELECT position::int, type FROM powercrud.event")).toEqual([
        { position: 1, type: "CREATE" },
      ]);
      // The trigger works again: the next event is numbered, too.
      await client.query(
        `INSERT INTO powercrud.event (task_id, sequence, type, at, progress) VALUES ('${TASK}', 2, 'START', now(), '{}')`,
      );
      expect(await rows("SELECT position::int FROM powercrud.event WHERE sequence = 2")).toEqual([
        { position: 2 },
      ]);
      expect(await migrate()).toMatchObject({ engineApplied: [], missing: [] });
      expect(
        await findPendingMigrations(createPgSession(client), {
          projectDir: PROJECT,
          databaseUrl: database.url,
        }),
      ).toEqual([]);
    },
  );

  it("is refused if part of them is missing, and nothing is changed", async () => {
    await migrateEarlier(2);
    await expect(migrate()).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringContaining("2 of the engine's 4 earlier migrations"),
    });
    expect(await rows("SELECT name FROM powercrud.backend")).toHaveLength(1);
  });
});

describe("the engine's database functions", () => {
  const CURRENT =
    "SELECT oid::regprocedure::text AS signature, oid FROM pg_proc WHERE pronamespace = 'powercrud'::regnamespace ORDER BY 1";

  beforeEach(async () => {
    await migrate();
  });

  it("are replaced when the text of their files differs, keep their oid, and unknown ones are dropped", async () => {
    const before = await rows(CURRENT);
    const definition = await rows("SELECT pg_get_functiondef('powercrud.split_ids'::regproc) AS text");
    await client.query(`
      CREATE OR REPLACE FUNCTION powercrud.split_ids(ids text, separator text) RETURNS text[] LANGUAGE sql IMMUTABLE
        AS $$ SELECT ARRAY['edited'] $$;
      CREATE FUNCTION powercrud.split_ids(ids text) RETURNS text[] LANGUAGE sql AS $$ SELECT ARRAY[ids] $$;
      CREATE FUNCTION powercrud.left_over() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
      UPDATE powercrud.function_hash SET hash = 'another';`);
    expect(
      await findPendingMigrations(createPgSession(client), {
        projectDir: PROJECT,
        databaseUrl: database.url,
      }),
    ).toEqual(["functions"]);
    expect((await migrate()).engineApplied).toEqual(["functions"]);
    expect(await rows(CURRENT)).toEqual(before);
    expect(await rows("SELECT pg_get_functiondef('powercrud.split_ids'::regproc) AS text")).toEqual(
      definition,
    );
    expect((await migrate()).engineApplied).toEqual([]);
  });

  it("are also replaced when a result or a parameter's name has changed", async () => {
    const before = await rows(CURRENT.replace(", oid FROM", " FROM"));
    await client.query(`
      DROP FUNCTION powercrud.guard_record(text, text, text);
      CREATE FUNCTION powercrud.guard_record(model text, id text, scope text) RETURNS integer LANGUAGE sql
        AS $$ SELECT 1 $$;
      UPDATE powercrud.function_hash SET hash = 'another';`);
    expect((await migrate()).engineApplied).toEqual(["functions"]);
    expect(await rows(CURRENT.replace(", oid FROM", " FROM"))).toEqual(before);
    expect(await rows("SELECT * FROM powercrud.guard_record('City', '3', '')")).toEqual([]);
    expect(await rows("SELECT tgname FROM pg_trigger WHERE tgname = 'place_event'")).toHaveLength(1);
  });
});
