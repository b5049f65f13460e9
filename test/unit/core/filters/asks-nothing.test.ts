import { describe, expect, it } from "vitest";
import { createModelRegistry } from "../../../../src/core/records/model-registry.ts";
import type { WhereFilter } from "../../../../src/core/access/access.ts";
import { asksNothing } from "../../../../src/core/filters/asks-nothing.ts";
import { modelOf, relation, scalar } from "../../../support/model-fixture.ts";

const CITY = modelOf("City", [
  scalar("id", "Int", { isKey: true }),
  scalar("name", "String"),
  scalar("words", "String", { isList: true }),
  scalar("extra", "Json"),
  relation("country", "Country", { relationName: "of" }),
  relation("capitalOf", "Country", { relationName: "capital", isNullable: true }),
  relation("tags", "City", { relationName: "tags", isList: true }),
]);
const COUNTRY = modelOf("Country", [
  scalar("code", "String", { isKey: true }),
  relation("cities", "City", { relationName: "of", isList: true }),
]);
const MODELS = createModelRegistry([CITY, COUNTRY], []);
const ONE = { id: { equals: 1 } };

describe("a filter", () => {
  it.each<WhereFilter>([
    {},
    { AND: [] },
    { OR: [] },
    { NOT: {} },
    { AND: [{}, { NOT: { OR: [{}] } }] },
    { OR: [ONE, {}] },
    { NOT: { id: { in: [] } } },
    { country: { is: {} } },
    { country: { is: { cities: { every: {} } } } },
    { tags: { every: {} } },
    { tags: { every: { name: { contains: "" } } } },
    { tags: { none: { id: { in: [] } } } },
    { country: { isNot: { code: { in: [] } } } },
    { country: { isNot: { OR: [] } } },
    { tags: { none: { OR: [] } } },
    { tags: { every: { OR: [] } } },
    { name: { contains: "" } },
    { name: { startsWith: "", endsWith: "", mode: "INSENSITIVE" } },
    { id: { notIn: [] } },
    { id: {} },
    { words: { hasEvery: [] } },
    { extra: { path: ["a"], stringContains: "" } },
    { extra: { arrayContains: [] } },
  ])("asks nothing: %j", (where) => {
    expect(asksNothing(MODELS, CITY, where)).toBe(true);
  });

  it.each<WhereFilter>([
    ONE,
    { AND: [{}, ONE] },
    { OR: [ONE, { id: { in: [] } }] },
    { NOT: ONE },
    { ...ONE, name: { contains: "" } },
    { id: { in: [] } },
    { name: { equals: "" } },
    { name: { contains: "", not: "a" } },
    { words: { hasSome: [] } },
    { words: { isEmpty: false } },
    { extra: { equals: null } },
    { extra: { equals: [] } },
    { country: { is: { code: { equals: "FR" } } } },
    { country: { isNot: {} } },
    { capitalOf: { is: {} } },
    { capitalOf: { is: null } },
    { capitalOf: { isNot: null } },
    { tags: { some: {} } },
    { tags: { none: {} } },
    { tags: { every: ONE } },
  ])("asks something: %j", (where) => {
    expect(asksNothing(MODELS, CITY, where)).toBe(false);
  });
});
