import { randomUUID } from "node:crypto";

import { Client } from "pg";
import { inject } from "vitest";

import { TEMPLATE_DATABASE } from "./template-database.ts";

export interface TestDatabase {
  url: string;
  /** Drops it, and ends all connections to it. */
  drop(): Promise<void>;
}

/**
 * A migrated database without records, for one test file. Create it in `beforeAll`, drop it in `afterAll`.
 * With `isEmpty` it has no tables, for tests of the migrations.
 */
export async function createTestDatabase({ isEmpty = false } = {}): Promise<TestDatabase> {
  const adminUrl = inject("postgresUrl");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await query(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${isEmpty ? "template1" : TEMPLATE_DATABASE}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => query(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
