import { afterAll, beforeAll, expect, it } from "vitest";
import pg from "pg";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import { createTableShapes } from "../../../src/adapters/postgres/records/table-shape.ts";
import { modelOf, scalar } from "../../support/model-fixture.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client(database.url);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

it("an app's table with the name of an engine's table is not mixed up with it", async () => {
  // As for a user named powercrud, since PostgreSQL searches the schema of the user's name first.
  await client.query("SET search_path TO powercrud, public");
  await client.query("CREATE TABLE public.task (id uuid PRIMARY KEY, title text NOT NULL)");
  const model = modelOf("Task", [scalar("id", "String", { isKey: true }), scalar("title", "String")]);
  const shape = await createTableShapes(createPgSession(client)).of(model);
  expect(shape.table).toBe('"public"."task"');
  expect([...shape.columns.values()].map((column) => column.type)).toEqual(["uuid", "text"]);
});

it("a column that the database lacks is named, with the command that creates it", async () => {
  const model = modelOf("Tag", [scalar("id", "String", { isKey: true }), scalar("colour", "String")]);
  await expect(createTableShapes(createPgSession(client)).of(model)).rejects.toThrow(
    'Model Tag: the database has no column "colour" in the table "tag" in the schema "public". Run: npx powercrud migrate, or, if your tables have no migrations, npx prisma db push.',
  );
});
