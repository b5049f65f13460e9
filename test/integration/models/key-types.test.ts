import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import { createTableShapes } from "../../../src/adapters/postgres/records/table-shape.ts";
import { markNativeTypes } from "../../../src/compose/mark-native-types.ts";
import type { ScalarType } from "../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../src/core/records/model.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { modelOf, scalar } from "../../support/model-fixture.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const FIT = "";
const SEVERAL = "which accepts several spellings of one value, so locks could be bypassed. Use text,";
const FINER = "which is more precise than ids, which have milliseconds, so locks could be bypassed. Use";

/**
 * Every native type that Prisma has for key types, as its migrations write it. PostgreSQL allows no xml in a key.
 */
const TYPES: readonly (readonly [native: string, type: ScalarType, fault: string])[] = [
  ["TEXT", "String", FIT],
  ["VARCHAR(3)", "String", FIT],
  ["VARCHAR", "String", FIT],
  ["CHAR(3)", "String", `a key of type character(3), ${SEVERAL}`],
  ["BIT(3)", "String", SEVERAL],
  ["VARBIT", "String", SEVERAL],
  ["UUID", "String", FIT],
  ["INET", "String", `a key of type inet, ${SEVERAL}`],
  ["CITEXT", "String", SEVERAL],
  ["INTEGER", "Int", FIT],
  ["SMALLINT", "Int", FIT],
  ["OID", "Int", FIT],
  ["BIGINT", "BigInt", FIT],
  ["TIMESTAMP(3)", "DateTime", FIT],
  ["TIMESTAMPTZ(3)", "DateTime", FIT],
  ["TIMESTAMP(0)", "DateTime", `a key of type timestamp(0) without time zone, ${FINER} timestamp(3),`],
  ["TIMESTAMP", "DateTime", `${FINER} timestamp(3),`],
  ["TIMESTAMPTZ(6)", "DateTime", `${FINER} timestamptz(3),`],
  ["TIMESTAMPTZ(2)", "DateTime", `${FINER} timestamptz(3),`],
  ["DATE", "DateTime", FIT],
  ["TIME(3)", "DateTime", FIT],
  ["TIME(6)", "DateTime", `${FINER} time(3),`],
  ["TIMETZ(3)", "DateTime", `${FINER} time(3),`],
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

  const read = async (native: string, type: ScalarType): Promise<unknown> => {
    await pool.query(
      `DROP TABLE IF EXISTS thing; CREATE TABLE thing (id int, key ${native}, PRIMARY KEY (id, key))`,
    );
    const model = modelOf("Thing", [
      scalar("id", "Int", { isKey: true }),
      scalar("key", type, { isKey: true }),
    ]);
    return markNativeTypes(createModelRegistry([model], []), createTableShapes(createPgSession(pool)));
  };

  test.each(TYPES.filter(([, , fault]) => fault === FIT))("%s %s is accepted", async (native, type) => {
    await expect(read(native, type)).resolves.toBeDefined();
  });

  test.each(TYPES.filter(([, , fault]) => fault !== FIT))(
    "%s %s is refused at start",
    async (native, type, fault) => {
      await expect(read(native, type)).rejects.toMatchObject({
        code: "INVALID_CONFIG",
        message: expect.stringContaining(fault),
      });
      await expect(read(native, type)).rejects.toThrow(/^Thing\.key is a key of type .*\{isExposed: false\}/);
    },
  );
});
