import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { createWorldAt } from "./postgres-world.ts";

const STRICT = `DO $$ BEGIN EXECUTE format(
  'ALTER DATABASE %I SET default_transaction_isolation = %L', current_database(), 'repeatable read'); END $$`;

/** BullMQ takes this lock while it makes its tables. */
const MIGRATION_LOCK = 1112886348;

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase({ isEmpty: true });
  client = new Client(database.url);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

it("is made once by queues that start together, also where transactions are REPEATABLE READ by default", async () => {
  await client.query(STRICT);
  await client.query("SELECT pg_advisory_lock($1, hashtext('bullmq'))", [MIGRATION_LOCK]);
  const worlds = [createWorldAt(database.url), createWorldAt(database.url)];
  const counts = Promise.all(worlds.map(({ queue }) => queue.count()));
  await worlds[0]?.untilWaiting(2);
  await client.query("SELECT pg_advisory_unlock($1, hashtext('bullmq'))", [MIGRATION_LOCK]);
  expect(await counts).toEqual([0, 0]);
  await Promise.all(worlds.map((world) => world.close()));
});
