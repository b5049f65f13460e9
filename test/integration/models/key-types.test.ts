import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import { createTableShapes } from "../../../src/adapters/postgres/records/table-shape.ts";
import { markNativeTypes } from "../../../src/compose/mark-native-types.ts";
import type { Model, ScalarType } from "../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../src/core/records/model.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { modelOf, scalar } from "../../support/model-fixture.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const FIT = "";
const SEVERAL = "which has several spellings of one value, so a record would have several ids (text has one)";
const FINER = "which is not as precise as ids, which have milliseconds";

/**
 * Every native type that Prisma has for key types, as its migrations write it. PostgreSQL allows no xml in a key.
 */
const TYPES: readonly (readonly [native: string, type: ScalarType, fault: string])[] = [
  ["TEXT", "String", FIT],
  ["VARCHAR(3)", "String", FIT],
  ["VARCHAR", "String", FIT],
  ["CHAR(3)", "String", FIT],
  ["BIT(3)", "String", SEVERAL],
  ["VARBIT", "String", SEVERAL],
  ["UUID", "String", FIT],
  ["INET", "String", `is of the type inet, ${SEVERAL}`],
  ["CITEXT", "String", SEVERAL],
  ["INTEGER", "Int", FIT],
  ["SMALLINT", "Int", FIT],
  ["OID", "Int", FIT],
  ["BIGINT", "BigInt", FIT],
  ["TIMESTAMP(3)", "DateTime", FIT],
  ["TIMESTAMPTZ(3)", "DateTime", FIT],
  ["TIMESTAMP(0)", "DateTime", `is of the type timestamp(0) without time zone, ${FINER} (timestamp(3) is)`],
  ["TIMESTAMP", "DateTime", `${FINER} (timestamp(3) is)`],
  ["TIMESTAMPTZ(6)", "DateTime", `${FINER} (timestamptz(3) is)`],
  ["TIMESTAMPTZ(2)", "DateTime", `${FINER} (timestamptz(3) is)`],
  ["DATE", "DateTime", FIT],
  ["TIME(3)", "DateTime", FIT],
  ["TIME(6)", "DateTime", `${FINER} (time(3) is)`],
  ["TIMETZ(3)", "DateTime", `${FINER} (time(3) is)`],
  ["BOOLEAN", "Boolean", FIT],
  // Prisma stores these as their base types.
  ["a_text", "String", FIT],
  ["a_citext", "String", SEVERAL],
  ["macaddr", "String", SEVERAL],
];

describe("a key's native type", () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let pool: ReturnType<typeof createPool>;

  beforeAll(async () => {
    database = await createTestDatabase({ isEmpty: true });
    pool = createPool({
      connectionString: database.url,
      applicationName: "test",
      logger: createSilentLogger(),
    });
    await pool.query(
      "CREATE EXTENSION citext; CREATE DOMAIN a_text AS text; CREATE DOMAIN a_citext AS citext",
    );
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const read = async (native: string, type: ScalarType): Promise<Model> => {
    await pool.query(
      `DROP TABLE IF EXISTS thing; CREATE TABLE thing (id int, key ${native}, PRIMARY KEY (id, key))`,
    );
    const model = modelOf("Thing", [
      scalar("id", "Int", { isKey: true }),
      scalar("key", type, { isKey: true }),
    ]);
    const shapes = createTableShapes(createPgSession(pool));
    return (await markNativeTypes(createModelRegistry([model], []), shapes)).get("Thing");
  };

  test.each(TYPES.filter(([, , fault]) => fault === FIT))("%s %s makes ids", async (native, type) => {
    const { key, readOnlyReason } = await read(native, type);
    expect([key.map(({ name }) => name), readOnlyReason]).toEqual([["id", "key"], undefined]);
  });

  test.each(TYPES.filter(([, , fault]) => fault !== FIT))(
    "%s %s makes a read-only list, with the reason",
    async (native, type, fault) => {
      const { key, readOnlyReason } = await read(native, type);
      expect(key).toEqual([]);
      expect(readOnlyReason).toMatch(/^its key key is of the type /);
      expect(readOnlyReason).toContain(fault);
    },
  );
});
