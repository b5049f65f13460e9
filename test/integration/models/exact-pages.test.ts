import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels("native-models.prisma", {}, "CREATE EXTENSION citext; ");
});
afterAll(() => api.stop());

/** Values that are neighbours in the order of their column; each is in several records. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  text: ["", "A", "a", "B", "É", "\\"],
  char: ["", "ab", "AB", "abc"],
  varChar: ["", "ab", "AB", "a b"],
  bit: ["000", "001", "111"],
  varBit: ["", "0", "00", "1"],
  uuid: ["00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000a"],
  inet: ["10.0.0.1", "10.0.0.0/8", "::1", "10.0.0.1/8"],
  citext: ["a", "A", "b", "B", "ab"],
  int: ["-2147483648", "0", "2147483647"],
  smallInt: ["-32768", "0", "32767"],
  oid: ["0", "1", "2147483647"],
  bigInt: ["9007199254740992", "9007199254740993", "9223372036854775807", "-9223372036854775808"],
  double: ["-Infinity", "0.1", "0.10000000000000002", "1e300", "Infinity", "NaN", "5e-324"],
  real: ["-Infinity", "0.1", "0.100000024", "16777216", "3.4e38", "NaN"],
  decimal: ["-9999.99", "0", "0.01", "9999.99", "NaN"],
  money: ["-92233720368547758.08", "0", "0.01", "92233720368547758.07"],
  timestamp: ["2026-01-31 12:00", "2026-01-31 12:00:00.001", "0001-01-01"],
  timestamp6: [
    "2026-01-31 12:00",
    "2026-01-31 12:00:00.000001",
    "2026-01-31 12:00:00.000999",
    "2026-01-31 12:00:00.001",
  ],
  timestamptz: ["2026-01-31 12:00Z", "2026-01-31 12:00:00.001Z", "0001-01-01Z"],
  timestamptz6: [
    "2026-01-31 12:00Z",
    "2026-01-31 12:00:00.000001Z",
    "2026-01-31 12:00:00.000999Z",
    "2026-01-31 12:00:00.001Z",
  ],
  date: ["2026-01-30", "2026-01-31", "0001-01-01"],
  time: ["00:00", "00:00:00.001", "23:59:59.999"],
  time6: ["00:00", "00:00:00.000001", "00:00:00.000999", "23:59:59.999999"],
  timetz: ["00:00Z", "00:00:00.001Z", "23:59:59.999Z"],
  timetz6: ["00:00Z", "00:00:00.000001Z", "00:00:00.000999Z", "23:59:59.999999Z"],
  boolean: ["false", "true"],
};

const RECORDS = 30;

async function fill(column: string, values: readonly (string | null)[]): Promise<void> {
  await api.query(`TRUNCATE "Native"`);
  const texts = Array.from({ length: RECORDS }, (_, at) => values[(at * 7) % values.length] ?? null);
  await api.query(
    `INSERT INTO "Native" (id, "${column}") SELECT at, text::${await typeOf(column)} FROM unnest($1::text[]) WITH ORDINALITY AS given (text, at)`,
    [texts],
  );
}

async function typeOf(column: string): Promise<string> {
  const [row] = await api.query(
    `SELECT format_type(atttypid, -1) AS type FROM pg_attribute WHERE attrelid = '"Native"'::regclass AND attname = $1`,
    [column],
  );
  return row.type;
}

/** All ids, page by page. */
async function walk(orderBy: readonly object[], isBackward: boolean, length = 7): Promise<number[]> {
  const [size, place] = isBackward ? ["last", "before"] : ["first", "after"];
  const seen: number[] = [];
  let cursor: string | null = null;
  for (let page = 0; page <= RECORDS; page += 1) {
    const { natives }: Answer = await api.data(
      `query ($cursor: String, $orderBy: [NativeOrderBy!]) { natives(${size}: ${length}, ${place}: $cursor, orderBy: $orderBy) {
        edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
      { cursor, orderBy },
    );
    const ids = natives.edges.map((edge: Answer) => Number(edge.node.id));
    seen.push(...(isBackward ? ids.toReversed() : ids));
    const { pageInfo } = natives;
    cursor = isBackward ? pageInfo.startCursor : pageInfo.endCursor;
    if (!(isBackward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) {
      break;
    }
  }
  return isBackward ? seen.toReversed() : seen;
}

const DIRECTIONS: Readonly<Record<string, string>> = {
  ASC: "ASC",
  DESC: "DESC",
  ASC_NULLS_FIRST: "ASC NULLS FIRST",
  DESC_NULLS_LAST: "DESC NULLS LAST",
};

describe("pages of a list have every record once, in the database's order, both ways, by", () => {
  test.each(Object.keys(NEIGHBOURS))("%s", async (column) => {
    await fill(column, [...(NEIGHBOURS[column] ?? []), null]);
    const found: Record<string, number[]> = {};
    const expected: Record<string, number[]> = {};
    for (const [direction, sql] of Object.entries(DIRECTIONS)) {
      const rows = await api.query(`SELECT id FROM "Native" ORDER BY "${column}" ${sql}, id`);
      // Both ways where rows differ in what JavaScript's times cannot tell apart, else each order one way.
      const ways = column.endsWith("6") ? [false, true] : [direction.includes("NULLS")];
      for (const isBackward of ways) {
        const name = `${direction} ${isBackward ? "backward" : "forward"}`;
        expected[name] = rows.map(({ id }) => id as number);
        found[name] = await walk([{ [column]: direction }], isBackward).catch(
          (error: Error) => [error.message] as never,
        );
      }
    }
    expect(found).toEqual(expected);
  });
});

/** Columns with ties, nulls and values that only the database tells apart. */
const MIXED = ["bigInt", "boolean", "double", "citext", "timestamptz6"] as const;
const sortOf = fc.constantFrom(
  ...["ASC", "DESC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_FIRST", "DESC_NULLS_LAST"],
);
const ordersOf = fc.array(
  fc.oneof(
    fc.constantFrom("ASC", "DESC").map((sort) => ({ id: sort })),
    fc.tuple(fc.constantFrom(...MIXED), sortOf).map(([name, sort]) => ({ [name]: sort })),
  ),
  { minLength: 1, maxLength: 3 },
);

test("pages by several fields have every record once, and go on at the same place when records come and go", async () => {
  await api.query(`TRUNCATE "Native"`);
  await api.query(`
    INSERT INTO "Native" (id, "bigInt", "boolean", "double", "citext", "timestamptz6")
    SELECT i, nullif(i % 4, 0) + 9007199254740990, nullif(i % 3, 0) = 1, nullif(i % 5, 0) / 10.0,
           (ARRAY['a', 'A', 'b', NULL])[1 + i % 4], '2026-01-31Z'::timestamptz + (i % 3) * interval '1 microsecond'
      FROM generate_series(1, ${RECORDS}) AS i`);
  await fc.assert(
    fc.asyncProperty(
      ordersOf,
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      async (given, length, isBackward) => {
        const names = given.map((order) => Object.keys(order)[0]);
        const orderBy = given.filter((_order, at) => names.indexOf(names[at]) === at);
        const sql = [...orderBy.flatMap((order) => Object.entries(order)), ["id", "ASC"]]
          .map(([name, sort]) => `"${name}" ${String(sort).replace("_NULLS", " NULLS").replace("_", " ")}`)
          .join(", ");
        const rows = await api.query(`SELECT id FROM "Native" ORDER BY ${sql}`);
        expect(await walk(orderBy, isBackward, length)).toEqual(rows.map(({ id }) => id as number));
      },
    ),
    { numRuns: 20 },
  );
});

test("a forged cursor is refused with the reason", async () => {
  const forged = Buffer.from(JSON.stringify(["date asc nulls last, id asc", "yesterday noon", "7"])).toString(
    "base64url",
  );
  await expect(
    api.data(`{ natives(after: "${forged}", orderBy: [{date: ASC}]) { nodes { id } } }`),
  ).rejects.toThrow("after is a damaged cursor");
});
