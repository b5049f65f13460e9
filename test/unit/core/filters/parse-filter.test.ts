import { describe, expect, it } from "vitest";
import { parseFilter } from "../../../../src/core/filters/parse-filter.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import { modelOf, relation, scalar } from "../../../support/model-fixture.ts";

const CITY = modelOf("City", [
  scalar("id", "Int", { isKey: true }),
  scalar("name", "String", { isNullable: true }),
  scalar("population", "BigInt"),
  scalar("height", "Float"),
  scalar("foundedAt", "DateTime"),
  scalar("words", "String", { isList: true }),
  scalar("extra", "Json"),
  relation("country", "Country", { relationName: "of" }),
  relation("twin", "City", { relationName: "twins", isNullable: true }),
]);
const COUNTRY = modelOf("Country", [
  scalar("code", "String", { isKey: true }),
  relation("cities", "City", { relationName: "of", isList: true }),
]);
const MODELS = createModelRegistry([CITY, COUNTRY], []);

function problemsOf(input: unknown): readonly (readonly [field: string | undefined, message: string])[] {
  const parsed = parseFilter(MODELS, CITY, input);
  return "problems" in parsed ? parsed.problems.map(({ field, message }) => [field, message]) : [];
}

describe("parsing a filter", () => {
  it("turns the values of GraphQL's scalars into JSON, and leaves out undefined members and empty ANDs", () => {
    const at = new Date("2026-01-31T12:00:00Z");
    const input = {
      population: { gt: 9007199254740993n, lt: undefined },
      foundedAt: { in: [at] },
      name: undefined,
      AND: [{}, { AND: [] }],
      OR: [{}],
      NOT: { twin: { is: null } },
      country: { is: { cities: { some: { extra: { equals: null } } } } },
    };
    expect(parseFilter(MODELS, CITY, input)).toEqual({
      value: {
        population: { gt: "9007199254740993" },
        foundedAt: { in: ["2026-01-31T12:00:00.000Z"] },
        OR: [{}],
        NOT: { twin: { is: null } },
        country: { is: { cities: { some: { extra: { equals: null } } } } },
      },
    });
  });

  it("names every problem with its path", () => {
    const input = {
      id: { equals: null },
      OR: [{ name: { contains: null } }, { nothing: { equals: 1 } }],
      country: { is: { cities: { some: { words: { has: "\u0000" } } } } },
    };
    expect(problemsOf(input)).toEqual([
      ["where.id.equals", "where.id.equals must not be null. Leave it out, or give it a value."],
      ["where.OR[0].name.contains", "where.OR[0].name.contains must not be null. Use isNull."],
      ["where.OR[1].nothing", 'where.OR[1].nothing: City has no field "nothing".'],
      [
        "where.country.is.cities.some.words.has",
        "where.country.is.cities.some.words.has cannot hold NUL characters or halves of characters.",
      ],
    ]);
  });

  it.each<[unknown, string]>([
    [{ name: null }, "where.name must not be null. Leave it out, or give it a condition."],
    [{ name: {} }, "where.name names no condition. Leave it out, or give it one, such as {equals: …}."],
    [
      { name: { mode: "INSENSITIVE", contains: undefined } },
      "where.name names no condition. Leave it out, or give it one, such as {equals: …}.",
    ],
    [
      { extra: { path: ["a"] } },
      "where.extra names no condition. Leave it out, or give it one, such as {equals: …}.",
    ],
    [{ country: {} }, "where.country names no condition. Leave it out, or give it one, such as {is: {…}}."],
    [{ country: { is: null } }, "where.country.is must not be null: there is always a related Country."],
    [{ country: { some: {} } }, "where.country.some is no condition of this field."],
    [{ id: { contains: "1" } }, "where.id.contains is no condition of this field."],
    [{ id: { in: 1 } }, "where.id.in must be a list."],
    [{ name: { contains: 1 } }, "where.name.contains must be a text."],
    [{ name: { equals: "a", mode: "OTHER" } }, "where.name.mode must be DEFAULT or INSENSITIVE."],
    [{ height: { lt: -Infinity } }, "where.height.lt needs a number that is not infinite."],
    [
      { extra: { equals: { a: "\ud800" } } },
      "where.extra.equals: a holds a NUL character or half of a character.",
    ],
    [{ OR: {} }, "where.OR must be a list of filters."],
    [{ NOT: "no" }, "where.NOT must be a filter, such as {…}."],
    ["no", "where must be a filter, such as {…}."],
    [
      { OR: Array.from({ length: 1001 }, () => ({})) },
      "where is too large: it has 1001 conditions, where at most 1000 are allowed.",
    ],
  ])("refuses %j", (input, message) => {
    expect(problemsOf(input)[0]?.[1]).toBe(message);
  });
});
