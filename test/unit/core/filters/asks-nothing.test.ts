import { describe, expect, it } from "vitest";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import type { WhereFilter } from "../../../../src/core/access/access.ts";
import { asksNothing } from "../../../../src/core/filters/asks-nothing.ts";
import { enumeration, modelOf, relation, scalar } from "../../../support/model-fixture.ts";

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
const EVENT = modelOf("Event", [
  scalar("id", "Int", { isKey: true }),
  scalar("small", "Int", { nativeType: "smallint" }),
  scalar("big", "BigInt"),
  scalar("size", "Float"),
  scalar("at", "DateTime", { nativeType: "timestamp(3) without time zone" }),
  scalar("day", "DateTime", { nativeType: "date" }),
  scalar("code", "String", { nativeType: "uuid" }),
  scalar("isOpen", "Boolean"),
  scalar("nickname", "String", { isNullable: true }),
  scalar("rank", "Int", { isNullable: true }),
  scalar("extra", "Json"),
  enumeration("mood", "Mood"),
  relation("city", "City", { relationName: "at" }),
]);
const EVENTS = createModelRegistry([EVENT, CITY, COUNTRY], [{ name: "Mood", values: ["GOOD", "BAD"] }]);
const LEAST = -2_147_483_648;
const GREATEST = 2_147_483_647;
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

describe("a filter that every record meets", () => {
  it.each<WhereFilter>([
    { id: { gte: LEAST } },
    { id: { lte: GREATEST } },
    { id: { gte: LEAST, lte: GREATEST } },
    { NOT: { id: { lt: LEAST } } },
    { NOT: { id: { gt: GREATEST } } },
    { NOT: { NOT: { id: { gte: LEAST } } } },
    { small: { gte: -32_768 } },
    { big: { gte: "-9223372036854775808" } },
    { big: { lte: "9223372036854775807" } },
    { code: { gte: "00000000-0000-0000-0000-000000000000" } },
    { code: { lte: "ffffffff-ffff-ffff-ffff-ffffffffffff" } },
    { mood: { in: ["BAD", "GOOD"] } },
    { NOT: { mood: { notIn: ["BAD", "GOOD"] } } },
    { id: { isNull: false } },
    { id: { not: null } },
    { OR: [{ isOpen: { equals: true } }, { isOpen: { equals: false } }] },
    { OR: [{ isOpen: { not: true } }, { isOpen: { not: false } }] },
    { OR: [{ id: { lt: 5 } }, ONE, { id: { gte: 5 } }] },
    { OR: [{ id: { lte: 7 } }, { id: { gt: 5 } }] },
    { OR: [{ at: { lt: "2026-01-02T00:00:00Z" } }, { at: { gt: "2026-01-01T00:00:00Z" } }] },
    { OR: [{ id: { equals: 5 } }, { id: { not: 5 } }] },
    { OR: [{ id: { in: [1, 2] } }, { id: { notIn: [2, 1] } }] },
    { OR: [{ mood: { equals: "GOOD" } }, { mood: { in: ["BAD"] } }] },
    { OR: [{ rank: { isNull: true } }, { rank: { isNull: false } }] },
    { OR: [{ rank: { isNull: true } }, { rank: { lt: 5 } }, { rank: { gte: 5 } }] },
    { city: { is: { name: { gte: "" } } } },
    { NOT: { city: { isNot: { name: { gte: "" } } } } },
  ])("asks nothing: %j", (where) => {
    expect(asksNothing(EVENTS, EVENT, where)).toBe(true);
  });

  it("asks nothing if only values that the API cannot name would be exceptions", () => {
    expect(asksNothing(EVENTS, EVENT, { at: { gte: "0001-01-01T00:00:00.000Z" } })).toBe(true);
    expect(asksNothing(EVENTS, EVENT, { day: { lte: "9999-12-31T23:59:59.999Z" } })).toBe(true);
    expect(asksNothing(EVENTS, EVENT, { size: { lte: Number.MAX_VALUE } })).toBe(true);
    expect(asksNothing(MODELS, CITY, { name: { gte: "" } })).toBe(true);
  });

  it.each<WhereFilter>([
    { id: { gt: LEAST } },
    { id: { lt: GREATEST } },
    { id: { lt: LEAST } },
    { rank: { gte: LEAST } },
    { nickname: { gte: "" } },
    { NOT: { rank: { lt: LEAST } } },
    { mood: { in: ["BAD"] } },
    { rank: { isNull: false } },
    { extra: { not: null } },
    { OR: [{ id: { lt: 5 } }, { id: { gt: 5 } }] },
    { OR: [{ id: { lt: 5 } }, { id: { gte: 6 } }] },
    { OR: [{ rank: { lt: 5 } }, { rank: { gte: 5 } }] },
    { OR: [{ id: { lt: 5 } }, { small: { gte: 5 } }] },
    { OR: [{ day: { lt: "2026-01-01T12:00:00Z" } }, { day: { gt: "2026-01-01T06:00:00Z" } }] },
    { OR: [{ big: { not: "1" } }, { big: { not: 1 } }] },
  ])("is not: %j", (where) => {
    expect(asksNothing(EVENTS, EVENT, where)).toBe(false);
  });
});
