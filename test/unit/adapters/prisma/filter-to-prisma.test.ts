import { DbNull, JsonNull } from "@prisma/client/runtime/client";
import { expect, test } from "vitest";
import { filterToPrisma } from "../../../../src/adapters/prisma/filter-to-prisma.ts";
import type { Model } from "../../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import type { WhereFilter } from "../../../../src/core/access/access.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const columns = modelOf("Row", [
  scalar("id", "Int", { isKey: true }),
  scalar("name", "String"),
  scalar("size", "BigInt", { isNullable: true }),
  scalar("sizes", "BigInt", { isList: true }),
  scalar("seen", "DateTime", { isNullable: true }),
  scalar("data", "Bytes"),
  scalar("extra", "Json", { isNullable: true }),
  scalar("settings", "Json"),
]);
const ROW: Model = {
  ...columns,
  fields: [
    ...columns.fields,
    {
      kind: "relation",
      name: "rows",
      apiName: "rows",
      type: "Row",
      relationName: "r",
      isList: true,
      isNullable: false,
      foreignKey: [],
    },
    {
      kind: "relation",
      name: "up",
      apiName: "up",
      type: "Row",
      relationName: "r",
      isList: false,
      isNullable: true,
      foreignKey: ["size"],
    },
  ],
};
const MODELS = createModelRegistry([ROW], []);

test.each<[WhereFilter, object]>([
  [{}, {}],
  [{ id: { equals: 1 } }, { id: { equals: 1 } }],
  [{ id: { gt: 1 }, name: { not: "x" } }, { AND: [{ id: { gt: 1 } }, { name: { not: "x" } }] }],
  [{ size: { in: ["9007199254740993", 2] } }, { size: { in: [9007199254740993n, 2n] } }],
  [{ sizes: { has: "1", hasSome: ["2"] } }, { sizes: { has: 1n, hasSome: [2n] } }],
  [{ sizes: { isEmpty: true } }, { OR: [{ sizes: { isEmpty: true } }, { sizes: { equals: null } }] }],
  [{ seen: { lt: "2026-01-01T00:00:00.000Z" } }, { seen: { lt: new Date("2026-01-01T00:00:00.000Z") } }],
  [{ data: { equals: "AAH/" } }, { data: { equals: Buffer.from([0, 1, 255]) } }],
  [{ size: { isNull: true } }, { size: { equals: null } }],
  [
    { size: { isNull: false, gt: 1 } },
    { AND: [{ size: { gt: 1n } }, { NOT: [{ size: { equals: null } }] }] },
  ],
  [{ extra: { isNull: true } }, { extra: { equals: DbNull } }],
  [{ settings: { equals: null } }, { settings: { equals: JsonNull } }],
  [
    { settings: { path: ["a"], stringContains: "5%" } },
    { settings: { path: ["a"], string_contains: "5\\%" } },
  ],
  [{ name: { contains: "a_b\\c" } }, { name: { contains: "a\\_b\\\\c" } }],
  [{ name: { equals: "50%" } }, { name: { equals: "50%" } }],
  [{ name: { equals: "50%", mode: "INSENSITIVE" } }, { name: { equals: "50\\%", mode: "insensitive" } }],
  [{ name: { in: ["50%"], mode: "INSENSITIVE" } }, { name: { in: ["50%"], mode: "insensitive" } }],
  [{ OR: [] }, { OR: [] }],
  [{ OR: [], id: { equals: 1 } }, { OR: [] }],
  [{ OR: [{}, { AND: [{ OR: [] }, { id: { gt: 1 } }] }, { id: { lt: 1 } }] }, { OR: [{ id: { lt: 1 } }] }],
  [{ NOT: { OR: [{}] } }, {}],
  [{ name: { mode: "INSENSITIVE" } }, {}],
  [{ settings: { stringStartsWith: "a" } }, { settings: { path: [], string_starts_with: "a" } }],
  [{ NOT: { size: { gt: "1" } } }, { NOT: [{ size: { gt: 1n } }] }],
  [{ AND: [{ OR: [{ size: { lt: "1" } }] }] }, { OR: [{ size: { lt: 1n } }] }],
  [
    { rows: { some: {}, none: { size: { gt: 1 } } } },
    { AND: [{ rows: { some: {} } }, { rows: { none: { size: { gt: 1n } } } }] },
  ],
  [{ up: { is: null } }, { up: { is: null } }],
  [
    { up: { isNot: { up: { is: { size: { gt: "2" } } } } } },
    { up: { isNot: { up: { is: { size: { gt: 2n } } } } } },
  ],
])("%j", (where, expected) => {
  expect(filterToPrisma(MODELS, ROW, where)).toEqual(expected);
  // A filter that a task stored has the same meaning.
  expect(filterToPrisma(MODELS, ROW, JSON.parse(JSON.stringify(where)) as WhereFilter)).toEqual(expected);
});

test("an empty filter matches everything, and an unknown field throws", () => {
  expect(filterToPrisma(MODELS, ROW, undefined)).toEqual({});
  expect(() => filterToPrisma(MODELS, ROW, { gone: { equals: 1 } })).toThrow("Row.gone");
});

/** A model with fields that take the words that combine filters. */
const WORDS: Model = modelOf("Words", [
  scalar("id", "Int", { isKey: true }),
  scalar("name", "String", { isNullable: true }),
  ...["AND", "OR", "NOT"].map((name) => scalar(name, "String", { apiName: `${name}_` })),
]);

test.each<[WhereFilter, object]>([
  [
    { id: { gt: 1 }, name: { equals: "a" } },
    { id: { gt: 1 }, name: { equals: "a" } },
  ],
  [
    { AND: [{ OR: [{ id: { gt: 1 } }] }, { name: { isNull: false } }] },
    { id: { gt: 1 }, name: { not: null } },
  ],
  [{ NOT: { name: { startsWith: "a" } } }, { name: { not: { startsWith: "a" } } }],
  [{ NOT: { name: { equals: "a" } } }, { name: { not: "a" } }],
  [{ OR: [] }, { id: { in: [] } }],
  [{ id: { gt: 1 }, OR: [] }, { id: { in: [] } }],
])("of a model with a field for each of AND, OR and NOT: %j", (where, expected) => {
  expect(filterToPrisma(createModelRegistry([WORDS], []), WORDS, where)).toEqual(expected);
});

test.each<[WhereFilter, string]>([
  [{ AND: [{ id: { gt: 1 } }, { id: { lt: 3 } }] }, "cannot combine conditions with AND"],
  [{ OR: [{ id: { gt: 1 } }, { id: { lt: 3 } }] }, "cannot combine conditions with OR"],
  [{ NOT: { id: { gt: 1 }, name: { equals: "a" } } }, "cannot combine conditions with NOT"],
  [{ NOT: { name: { equals: "a", mode: "INSENSITIVE" } } }, "cannot combine conditions with NOT"],
  [{ NOT_: { equals: "a" } }, "cannot have conditions on NOT_"],
])("such a model refuses what can only be said with them: %j", (where, reason) => {
  expect(() => filterToPrisma(createModelRegistry([WORDS], []), WORDS, where)).toThrow(reason);
});
