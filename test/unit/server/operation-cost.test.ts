import { buildSchema, getIntrospectionQuery, parse } from "graphql";
import { describe, expect, it } from "vitest";
import { operationCost } from "../../../src/server/operation-cost.ts";

const schema = buildSchema(`
  type Query { books(first: Int, last: Int): Books!  book: Book  named(ids: [ID!]!): [Book!]! }
  type Books { nodes: [Book!]! }
  type Book { id: ID!  authors(first: Int, last: Int): Authors! }
  type Authors { nodes: [Author!]! }
  type Author { name: String!  books(first: Int): Books! }
`);

function cost(source: string, variables: Record<string, unknown> = {}): number {
  return operationCost({ schema, document: parse(source), variables }).cost;
}

describe("the cost of an operation", () => {
  it.each([
    ["{ book { id } }", 2],
    ["{ books(first: 10) { nodes { id } } }", 1 + 10 * 2],
    ["{ books(last: 5) { nodes { id } } }", 1 + 5 * 2],
    ["{ books { nodes { id } } }", 1 + 20 * 2],
    ["{ books(first: 10) { nodes { authors(first: 3) { nodes { name } } } } }", 1 + 10 * (1 + 1 + 3 * 2)],
    ["{ a: book { id } b: book { id } }", 4],
    ["{ ...F ...F } fragment F on Query { book { id } }", 4],
    ["{ book { ... on Book { id } } }", 2],
  ])("%s", (source, expected) => {
    expect(cost(source)).toBe(expected);
  });

  it("takes page sizes from variables", () => {
    const source = "query ($n: Int) { books(first: $n) { nodes { id } } }";
    expect(cost(source, { n: 100 })).toBe(201);
    expect(cost(source)).toBe(41);
  });

  it("knows whether other variables would make another cost", () => {
    const fixed = (source: string): boolean =>
      operationCost({ schema, document: parse(source), variables: {} }).isFixed;
    expect(fixed("query ($id: ID) { books(first: 10) { nodes { id } } }")).toBe(true);
    expect(fixed("query ($n: Int) { books(first: $n) { nodes { id } } }")).toBe(false);
    expect(fixed("query ($ids: [ID!]!) { named(ids: $ids) { id } }")).toBe(false);
  });

  it("takes the defaults of variables that are left out", () => {
    const source = "query ($n: Int = 100) { books(first: $n) { nodes { id } } }";
    expect(cost(source)).toBe(201);
    expect(cost(source, { n: 10 })).toBe(21);
  });

  it("counts what is asked for by ids once for each", () => {
    const source = "query ($ids: [ID!]!) { named(ids: $ids) { id } }";
    expect(cost(source, { ids: ["1", "2", "3"] })).toBe(1 + 3);
    expect(cost('{ named(ids: ["1", "2"]) { authors(first: 3) { nodes { name } } } }')).toBe(
      1 + 2 * (1 + 3 * 2),
    );
  });

  it("allows the usual introspection query, but not hundreds of them", () => {
    expect(cost(getIntrospectionQuery())).toBeLessThan(10_000);
    const many = Array.from({ length: 300 }, (_, at) => `a${at}: __schema { types { name } }`).join(" ");
    expect(cost(`{ ${many} }`)).toBeGreaterThan(500_000);
  });

  it("counts fragments within fragments without walking each path", () => {
    const fragments = Array.from(
      { length: 40 },
      (_, at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`,
    );
    expect(cost(`{ ...F0 } ${fragments.join(" ")} fragment F40 on Query { book { id } }`)).toBe(2 * 2 ** 40);
  });
});
