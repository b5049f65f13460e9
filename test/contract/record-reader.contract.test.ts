import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPostgresRecordReader } from "../../src/adapters/postgres/records/postgres-record-reader.ts";
import { createTableShapes } from "../../src/adapters/postgres/records/table-shape.ts";
import type { RecordReader } from "../../src/core/records/record-reader.ts";
import type { SqlSession } from "../../src/kernel/sql-session.ts";
import { generateFixture } from "../integration/models/generate-fixture.ts";
import type { ModelsFixture } from "../integration/models/models-fixture.ts";
import { createModelsFixture } from "../integration/models/models-fixture.ts";
import { createPrismaRecordReader } from "../support/prisma-record-reader.ts";

let generated: Awaited<ReturnType<typeof generateFixture>>;
let api: ModelsFixture;

beforeAll(async () => {
  generated = await generateFixture(join(import.meta.dirname, "../integration/models/key-models.prisma"));
  api = await createModelsFixture({ generated });
  await api.query(`INSERT INTO "Day" SELECT date '2026-01-01' + g, g % 3 FROM generate_series(0, 6) g`);
  await api.query(
    `INSERT INTO "Visit" SELECT g, date '2026-01-01' + (g + 7) % 7 FROM generate_series(-3, 9) g`,
  );
  await api.query(
    `INSERT INTO "Plan" VALUES ('2026-01-02', 'b'), ('2026-01-01', 'é"'), ('2026-01-02', 'a'), ('2025-12-31', 'z')`,
  );
  await api.query(`INSERT INTO "Bell" VALUES ('12:00:00.123'), ('00:00')`);
  await api.query(`INSERT INTO "Small" VALUES (-32768), (0), (32767)`);
  await api.query(`INSERT INTO "Team" VALUES ('LATE'), ('EARLY')`);
});
afterAll(async () => {
  await api.stop();
});

const session: SqlSession = { query: (text, values) => api.query(text, values) as never };
const overPostgres = (pageSize?: number): RecordReader =>
  createPostgresRecordReader({
    session,
    models: api.models,
    shapes: createTableShapes(session),
    ...(pageSize === undefined ? {} : { pageSize }),
  });

const READERS: readonly (readonly [string, () => RecordReader])[] = [
  ["PostgreSQL", () => overPostgres()],
  ["PostgreSQL, two records a page", () => overPostgres(2)],
  ["Prisma", () => createPrismaRecordReader({ client: api.client, models: api.models })],
];

const plan = (...parts: readonly string[]): string =>
  Buffer.from(JSON.stringify(parts)).toString("base64url");

describe.each(READERS)("a record reader over %s", (_name, reader) => {
  it.each<[string, readonly string[]]>([
    ["Visit", ["-3", "-2", "-1", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]],
    ["Small", ["-32768", "0", "32767"]],
    ["Bell", ["1970-01-01T00:00:00.000Z", "1970-01-01T12:00:00.123Z"]],
    ["Team", ["EARLY", "LATE"]],
    [
      "Plan",
      [
        plan("2025-12-31T00:00:00.000Z", "z"),
        plan("2026-01-01T00:00:00.000Z", 'é"'),
        plan("2026-01-02T00:00:00.000Z", "a"),
        plan("2026-01-02T00:00:00.000Z", "b"),
      ],
    ],
  ])("finds the canonical ids of %s in the order of its key", async (model, ids) => {
    expect(await reader().findIds(model, undefined, 100)).toEqual(ids);
    expect(await reader().findIds(model, {}, ids.length)).toEqual(ids);
    expect(await reader().findIds(model, undefined, ids.length - 1)).toEqual(ids.slice(0, -1));
    expect((await reader().existingIds(model, ids, undefined)).toSorted()).toEqual(ids.toSorted());
  });

  it("finds no ids among none", async () => {
    expect(await reader().findIds("Visit", undefined, 0)).toEqual([]);
    expect(await reader().existingIds("Visit", [], undefined)).toEqual([]);
  });

  it("finds the records that match, over relations too", async () => {
    const monday = { day: { equals: "2026-01-05T00:00:00.000Z" } };
    expect(await reader().findIds("Visit", { of: { is: monday } }, 100)).toEqual(["-3", "4"]);
    expect(await reader().findIds("Day", { visits: { every: { id: { gt: 0 } } } }, 100)).toEqual([
      "2026-01-02T00:00:00.000Z",
      "2026-01-03T00:00:00.000Z",
      "2026-01-04T00:00:00.000Z",
    ]);
    expect(await reader().findIds("Day", { visits: { none: {} } }, 100)).toEqual([]);
  });

  it("returns the ids that exist and match, each once", async () => {
    const ids = ["1", "2", "400", "-1", "1"];
    expect((await reader().existingIds("Visit", ids, { id: { gt: 0 } })).toSorted()).toEqual(["1", "2"]);
  });

  it("accepts an id in any spelling, and returns the canonical one", async () => {
    expect(await reader().existingIds("Small", ["007", "00"], undefined)).toEqual(["0"]);
    expect(await reader().existingIds("Day", ["2026-01-02"], undefined)).toEqual([
      "2026-01-02T00:00:00.000Z",
    ]);
  });

  it("refuses a malformed id, and a field that does not exist", async () => {
    await expect(reader().existingIds("Small", ["40000"], undefined)).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
    });
    await expect(reader().findIds("Small", { gone: { equals: 1 } }, 1)).rejects.toThrow("Small.gone");
    await expect(reader().findIds("Nothing", undefined, 1)).rejects.toMatchObject({ code: "UNKNOWN_MODEL" });
  });
});

it("reads a transaction's own writes over its session", async () => {
  const connection = await api.connect();
  const within = createPgSession(connection);
  try {
    await within.query("BEGIN");
    await within.query(`INSERT INTO "Small" VALUES (5)`);
    const shapes = createTableShapes(session);
    const reader = createPostgresRecordReader({ session: within, models: api.models, shapes });
    expect(await reader.existingIds("Small", ["5"], { count: { equals: 0 } })).toEqual(["5"]);
    expect(await overPostgres().existingIds("Small", ["5"], undefined)).toEqual([]);
  } finally {
    await within.query("ROLLBACK");
    connection.release();
  }
});
