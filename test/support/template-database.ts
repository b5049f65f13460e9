import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { runMigrations } from "bullmq";
import { Client } from "pg";

import { applyFunctions } from "../../src/adapters/postgres/database-functions.ts";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";

/** Every test file's database is a copy of this one. */
export const TEMPLATE_DATABASE = "powercrud_template";

const MIGRATIONS = ["src/adapters/postgres/migrations", "prisma/migrations"];

/** Creates the database that all others are copied from, and migrates it. */
export async function createTemplateDatabase(adminUrl: string, templateUrl: string): Promise<void> {
  await withClient(adminUrl, (admin) => admin.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`));
  await migrate(templateUrl);
  await withClient(adminUrl, (admin) => admin.query(`ALTER DATABASE ${TEMPLATE_DATABASE} IS_TEMPLATE true`));
}

/** Runs the SQL of the migrations and functions as it is, and the queue's own migrations; the migrators have their own tests. */
async function migrate(url: string): Promise<void> {
  const folders = await Promise.all(MIGRATIONS.map(migrationFiles));
  await withClient(url, async (client) => {
    for (const file of folders.flat()) {
      await client.query(await readFile(file, "utf8"));
    }
    await applyFunctions(createPgSession(client));
    await runMigrations(client);
  });
}

async function migrationFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /^\d/.test(name))
    .toSorted()
    .map((name) => join(folder, name, "migration.sql"));
}

async function withClient(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
