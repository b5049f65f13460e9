import type { Model, ModelRegistry } from "../../src/core/records/model.ts";
import { createModelRegistry } from "../../src/core/records/model-registry.ts";
import type { RecordReader } from "../../src/core/records/record-reader.ts";
import type { SqlSession } from "../../src/kernel/sql-session.ts";
import { enumeration, modelOf, scalar } from "./model-fixture.ts";

/** A table with every sort of rule that a record can break. */
export const THING_TABLE = `
CREATE TYPE "ThingState" AS ENUM ('ON', 'OFF');
CREATE TABLE owner (id integer PRIMARY KEY);
INSERT INTO owner VALUES (1), (2);
CREATE TABLE thing (
  id         integer PRIMARY KEY,
  name       text NOT NULL UNIQUE,
  count      integer NOT NULL CONSTRAINT count_below_thousand CHECK (count < 1000),
  state      "ThingState" NOT NULL DEFAULT 'ON',
  owner_id   integer REFERENCES owner,
  tenant     text NOT NULL DEFAULT 'a',
  untouched  text NOT NULL DEFAULT 'as it was',
  updated_at timestamp(3) NOT NULL DEFAULT '2020-01-01'
);
CREATE TABLE part (id integer PRIMARY KEY, thing_id integer NOT NULL REFERENCES thing);
CREATE TABLE seal (id integer PRIMARY KEY, thing_id integer NOT NULL REFERENCES thing ON DELETE RESTRICT);`;

/** The model of that table. */
export const THING: Model = {
  ...modelOf("Thing", [
    scalar("id", "Int", { isKey: true }),
    scalar("name", "String", { isUnique: true }),
    scalar("count", "Int"),
    enumeration("state", "ThingState"),
    scalar("ownerId", "Int", { column: "owner_id", isNullable: true }),
    scalar("tenant", "String"),
    scalar("updatedAt", "DateTime", { column: "updated_at", isUpdatedAt: true }),
  ]),
  table: "thing",
};

export const THING_MODELS: ModelRegistry = createModelRegistry(
  [THING],
  [{ name: "ThingState", values: ["ON", "OFF"] }],
);

/** Fills the table with ids from 1 on; count is the id modulo 100. */
export async function insertThings(session: SqlSession, count: number): Promise<void> {
  await session.query(
    "INSERT INTO thing (id, name, count) SELECT g, 'thing ' || g, g % 100 FROM generate_series(1, $1::int) g",
    [count],
  );
}

/** Reads ids by plain SQL; understands the filters that these tests use: `{}` and `{tenant: {equals}}`. */
export function createThingReader(session: SqlSession): RecordReader {
  const tenantOf = (where: unknown): string | null =>
    (where as { tenant?: { equals?: string } } | undefined)?.tenant?.equals ?? null;
  return {
    async findIds(_model, where, limit) {
      const rows = await session.query<{ id: string }>(
        "SELECT id::text AS id FROM thing WHERE tenant = coalesce($1::text, tenant) ORDER BY thing.id LIMIT $2::int",
        [tenantOf(where), limit],
      );
      return rows.map((row) => row.id);
    },
    async existingIds(_model, ids, where) {
      const rows = await session.query<{ id: string }>(
        "SELECT id::text AS id FROM thing WHERE id = ANY ($1::int[]) AND tenant = coalesce($2::text, tenant)",
        [ids, tenantOf(where)],
      );
      return rows.map((row) => row.id);
    },
  };
}
