import { expect, test } from "vitest";
import { createStatement } from "../../../../../src/adapters/postgres/filters/column-to-sql.ts";
import { filterToSql } from "../../../../../src/adapters/postgres/filters/filter-to-sql.ts";
import type { TableShapes } from "../../../../../src/adapters/postgres/records/table-shape.ts";
import type { WhereFilter } from "../../../../../src/core/access/access.ts";
import { columnsOf } from "../../../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../../../src/core/records/model.ts";
import { quoteName } from "../../../../../src/kernel/sql-session.ts";
import { modelOf, relation, scalar } from "../../../../support/model-fixture.ts";

const ROW = modelOf("Row", [
  scalar("id", "Int", { isKey: true, nativeType: "integer" }),
  scalar("name", "String", { column: 'na"me', isNullable: true, nativeType: "text" }),
  scalar("upId", "Int", { isNullable: true, nativeType: "integer" }),
  relation("up", "Row", {
    relationName: "tree",
    isNullable: true,
    foreignKey: ["upId"],
    references: ["id"],
  }),
  relation("rows", "Row", { relationName: "tree", isList: true }),
]);
const MODELS = createModelRegistry([ROW], []);
const columns = new Map(
  columnsOf(ROW).map((field) => {
    const { nativeType: type = "" } = field;
    return [field.name, { field, name: quoteName(field.column), type, nativeType: type }];
  }),
);
const key = [...columns.values()].slice(0, 1);
const SHAPES: TableShapes = {
  of: (model) =>
    Promise.resolve({
      model,
      table: '"public"."row"',
      key,
      columns,
      joinTables: new Map(),
      isGuardedInStatement: true,
      isChangedByDatabase: false,
      hasOld: true,
      indexes: [],
    }),
  textTools: () => Promise.reject(new Error("nothing is searched here")),
};

async function translate(
  where: WhereFilter,
): Promise<readonly [joins: string, condition: string, values: unknown]> {
  const statement = createStatement();
  const { joins, condition } = await filterToSql(
    { models: MODELS, shapes: SHAPES },
    ROW,
    where,
    "t",
    statement,
  );
  return [joins, condition, statement.values];
}

test.each<[WhereFilter, string, readonly unknown[], string?]>([
  [{}, "TRUE", []],
  [{ OR: [{}] }, "FALSE", []],
  [{ name: { equals: "'; DROP TABLE row" } }, 't."na""me" = $1::text::text', ["'; DROP TABLE row"]],
  [{ name: { contains: "%'", mode: "INSENSITIVE" } }, 't."na""me" ILIKE $1::text', ["%\\%'%"]],
  [
    { id: { in: [1, 2] }, name: { isNull: false } },
    '(t."id" = ANY ($1::text[]::integer[]) AND (NOT t."na""me" IS NULL))',
    [["1", "2"]],
  ],
  [{ up: { is: null } }, '((t."upId" IS NULL))', []],
  [
    { NOT: { up: { is: { id: { gt: 1 } } } } },
    '(NOT (t1."id" > $1::text::integer AND (t1."id" IS NOT NULL)))',
    ["1"],
    ' LEFT JOIN "public"."row" t1 ON t1."id" = t."upId"',
  ],
  [
    { rows: { every: { up: { isNot: { id: { equals: 2 } } } } } },
    '(NOT EXISTS (SELECT FROM "public"."row" t1 LEFT JOIN "public"."row" t2 ON t2."id" = t1."upId" WHERE t1."upId" = t."id" AND (NOT ((NOT t2."id" = $1::text::integer) OR (t2."id" IS NULL)))))',
    ["2"],
  ],
])("%j", async (where, condition, values, joins = "") => {
  expect(await translate(where)).toEqual([joins, condition, values]);
});

test("an unknown field or operator throws", async () => {
  await expect(translate({ gone: { equals: 1 } })).rejects.toThrow("Row.gone");
  await expect(translate({ id: { "= 1 OR TRUE --": 1 } })).rejects.toThrow(TypeError);
});
