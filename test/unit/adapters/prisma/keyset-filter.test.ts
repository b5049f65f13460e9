import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../../../src/kernel/json.ts";
import type { EnumType, Model, RelationField } from "../../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import type { WhereFilter } from "../../../../src/core/access/access.ts";
import { encodeCursor } from "../../../../src/graphql/pagination/cursor.ts";
import { parseListPart } from "../../../../src/graphql/models/list-arguments.ts";
import type { OrderInput } from "../../../../src/core/filters/order-terms.ts";
import { betweenFilter } from "../../../../src/adapters/prisma/keyset-filter.ts";
import { placeOf, toPrismaOrder } from "../../../../src/adapters/prisma/prisma-order.ts";
import type { LoadedRecord } from "../../../../src/core/records/record-lists.ts";
import { toPage } from "../../../../src/graphql/pagination/page.ts";
import { enumeration, modelOf, scalar } from "../../../support/model-fixture.ts";

const GRADES: EnumType = { name: "Grade", values: ["LOW", "MID", "HIGH"] };
const OWNER = modelOf("Owner", [
  scalar("id", "Int", { isKey: true }),
  scalar("name", "String", { isNullable: true }),
]);
const owner: RelationField = {
  kind: "relation",
  name: "owner",
  apiName: "owner",
  type: "Owner",
  relationName: "own",
  isList: false,
  isNullable: true,
  foreignKey: ["ownerId"],
};
const columns = modelOf("Row", [
  scalar("left", "Int", { isKey: true }),
  scalar("right", "String", { isKey: true }),
  scalar("size", "BigInt", { isNullable: true }),
  scalar("seen", "DateTime", { isNullable: true, nativeType: "timestamp(3) without time zone" }),
  scalar("open", "Boolean", { isNullable: true }),
  scalar("rate", "Float"),
  enumeration("grade", "Grade", { isNullable: true }),
]);
/** Its records have no ids, as those of a read-only list. */
const ROW: Model = { ...columns, key: [], fields: [...columns.fields, owner] };
const MODELS = createModelRegistry([ROW, OWNER], [GRADES]);
const ORDERS = { models: MODELS, scopeOf: () => undefined };

/** Compares values in PostgreSQL's order. */
function compare(a: unknown, b: unknown): number {
  const [x, y] = [rankOf(a), rankOf(b)];
  return x < y ? -1 : Number(x > y);
}

function rankOf(value: unknown): number | bigint | string {
  const rank = GRADES.values.indexOf(value as string);
  return value instanceof Date ? value.getTime() : rank >= 0 ? rank : (value as number | bigint | string);
}

type Direction = string | { readonly sort: string; readonly nulls: string };

/** A small version of the client's `orderBy`. */
function sorted(rows: readonly LoadedRecord[], orderBy: readonly object[]): readonly LoadedRecord[] {
  const by = (a: unknown, b: unknown, order: unknown): number => {
    const [[name, inner]] = Object.entries(order as object) as [[string, object | Direction]];
    const [x, y] = [a, b].map((record) => (record as LoadedRecord | null)?.[name] ?? null);
    if (typeof inner === "object" && !("sort" in inner)) {
      return by(x, y, inner);
    }
    const sort = typeof inner === "string" ? inner : (inner as { sort: string }).sort;
    const nulls =
      typeof inner === "string" ? (sort === "asc" ? "last" : "first") : (inner as { nulls: string }).nulls;
    if (x === null || y === null) {
      return (Number(x === null) - Number(y === null)) * (nulls === "last" ? 1 : -1);
    }
    return compare(x, y) * (sort === "asc" ? 1 : -1);
  };
  return rows.toSorted((a, b) => orderBy.map((order) => by(a, b, order)).find((result) => result !== 0) ?? 0);
}

/** A small version of the client's `where`, with SQL's three-valued logic. */
function matches(record: LoadedRecord | null, where: WhereFilter): boolean {
  return Object.entries(where).every(([name, condition]) => {
    if (name === "AND" || name === "OR") {
      const parts = (condition as readonly WhereFilter[]).map((part) => matches(record, part));
      return name === "AND" ? parts.every(Boolean) : parts.some(Boolean);
    }
    if (name === "NOT") {
      return !matches(record, condition as WhereFilter);
    }
    const value = (record?.[name] ?? null) as LoadedRecord | null;
    return Object.entries(condition as Record<string, Json>).every(([operator, operand]) =>
      holds(value, operator, operand),
    );
  });
}

function holds(value: unknown, operator: string, operand: Json): boolean {
  if (operator === "is") {
    return operand === null
      ? value === null
      : value !== null && matches(value as LoadedRecord, operand as WhereFilter);
  }
  if (operator === "isNull") {
    return (value === null) === operand;
  }
  if (value === null) {
    return false;
  }
  const typed = (one: Json): unknown =>
    value instanceof Date ? new Date(one as string) : typeof value === "bigint" ? BigInt(one as string) : one;
  const order = Array.isArray(operand) ? Number.NaN : compare(value, typed(operand));
  return (
    {
      equals: order === 0,
      lt: order < 0,
      lte: order <= 0,
      gt: order > 0,
      gte: order >= 0,
      in: Array.isArray(operand) && operand.includes(value),
    }[operator] ?? false
  );
}

const rowOf = fc.record({
  left: fc.integer({ min: 0, max: 30 }),
  right: fc.constantFrom("a", "b", "ä", ""),
  size: fc.option(fc.constantFrom(-1n, 0n, 9_007_199_254_740_993n)),
  seen: fc.option(fc.constantFrom(new Date(0), new Date(1))),
  open: fc.option(fc.boolean()),
  rate: fc.constantFrom(-0.5, 0, 0.1),
  grade: fc.option(fc.constantFrom(...GRADES.values)),
  owner: fc.option(fc.record({ id: fc.constant(1), name: fc.option(fc.constantFrom("x", "y")) })),
});
const rowsOf = fc.uniqueArray(rowOf, { selector: (row) => `${row.left} ${row.right}`, maxLength: 25 });

const plain = fc.constantFrom("ASC", "DESC");
const nullable = fc.constantFrom(
  "ASC",
  "DESC",
  "ASC_NULLS_FIRST",
  "ASC_NULLS_LAST",
  "DESC_NULLS_FIRST",
  "DESC_NULLS_LAST",
);
const orderOf: fc.Arbitrary<readonly OrderInput[]> = fc.array(
  fc.oneof(
    nullable.map((sort) => ({ size: sort })),
    nullable.map((sort) => ({ seen: sort })),
    nullable.map((sort) => ({ open: sort })),
    nullable.map((sort) => ({ grade: sort })),
    plain.map((sort) => ({ rate: sort })),
    plain.map((sort) => ({ left: sort })),
    plain.map((sort) => ({ owner: { id: sort } })),
    nullable.map((sort) => ({ owner: { name: sort } })),
  ),
  { maxLength: 3 },
);

function readPage(rows: readonly LoadedRecord[], args: object): ReturnType<typeof toPage> {
  const part = parseListPart(ORDERS, ROW, args, undefined);
  const between = betweenFilter([GRADES], part);
  const records = sorted(rows, toPrismaOrder(part.terms, part.isBackward))
    .filter((row) => between === undefined || matches(row, between))
    .slice(0, part.limit);
  const places = records.map((record) => placeOf(part.terms, record));
  return toPage({ part, records, places, total: 0 }, false);
}

describe("pages by keyset", () => {
  test("visit each record exactly once and in order, forward and backward, over ties and nulls", () => {
    fc.assert(
      fc.property(
        rowsOf,
        orderOf,
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        (rows, orderBy, size, isBackward) => {
          const whole = readPage(rows, { first: 1000, orderBy }).records;
          const seen: LoadedRecord[] = [];
          let cursor: string | null = null;
          for (let count = 0; count <= rows.length; count += 1) {
            const page = readPage(
              rows,
              isBackward ? { last: size, before: cursor, orderBy } : { first: size, after: cursor, orderBy },
            );
            const info = page.info();
            seen.push(...(isBackward ? page.records.toReversed() : page.records));
            cursor = isBackward ? info.startCursor : info.endCursor;
            if (!(isBackward ? info.hasPreviousPage : info.hasNextPage)) {
              break;
            }
          }
          expect(isBackward ? seen.toReversed() : seen).toEqual(whole);
          expect(whole).toHaveLength(rows.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("continue at the same place when the cursor's record is gone, and include new records", () => {
    fc.assert(
      fc.property(rowsOf, rowsOf, orderOf, fc.nat(), (rows, others, orderBy, at) => {
        fc.pre(rows.length > 0);
        const whole = readPage(rows, { first: 1000, orderBy });
        const gone = whole.records[at % rows.length] as LoadedRecord;
        const { terms } = parseListPart(ORDERS, ROW, { orderBy }, undefined);
        const after = encodeCursor(terms, placeOf(terms, gone));
        const keys = new Set(rows.map((row) => `${row.left} ${row.right}`));
        const now: readonly LoadedRecord[] = [
          ...rows.filter((row) => row !== gone),
          ...others.filter((row) => !keys.has(`${row.left} ${row.right}`)),
        ];
        const rest = readPage(now, { first: 1000, after, orderBy }).records;
        const all = readPage([...now, gone], { first: 1000, orderBy }).records;
        expect(rest).toEqual(all.slice(all.indexOf(gone) + 1));
      }),
      { numRuns: 300 },
    );
  });
});

test("an order by a number of related records, or of those in scope, is none for Prisma's client alone", () => {
  const scoped = { models: MODELS, scopeOf: () => ({ id: { equals: 1 } }) };
  const { terms } = parseListPart(scoped, ROW, { orderBy: [{ owner: { id: "ASC" } }] }, undefined);
  expect(() => toPrismaOrder(terms, false)).toThrow(
    "this list, whose records have no ids, cannot be ordered by owner.id. Choose another order.",
  );
  const counted = terms.map((term) => ({ ...term, relations: [], counted: { ...owner, apiName: "parts" } }));
  expect(() => toPrismaOrder(counted, false)).toThrow("cannot be ordered by parts.");
});
