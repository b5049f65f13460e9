import { normalizedExecutor } from "@graphql-tools/executor";
import { makeExecutableSchema } from "@graphql-tools/schema";
import type { ExecutionArgs, ExecutionResult } from "graphql";
import { parse } from "graphql";
import { expect, it } from "vitest";
import type { Execute } from "../../../../src/graphql/execution/planned-executor.ts";
import { createPlannedExecutor } from "../../../../src/graphql/execution/planned-executor.ts";
import { MAX_ITEMS_PER_TURN } from "../../../../src/kernel/turns.ts";
import { watchedList } from "../../../support/watched-list.ts";

const schema = makeExecutableSchema({
  typeDefs: `
    enum Color { RED GREEN }
    input Item { id: ID! size: Int = 3 color: Color }
    input Chosen @oneOf { ids: [ID!] all: Boolean }
    type Query { echo(ids: [ID!], items: [Item!], nested: [[Int]], chosen: Chosen, name: String): [String!]! }
  `,
  resolvers: {
    Color: { RED: 1, GREEN: 2 },
    Query: {
      echo: (_root, { ids, items, nested, chosen, name }: Record<string, unknown>) => [
        JSON.stringify([ids, items, nested, chosen, name]),
      ],
    },
  },
});

const QUERY =
  parse(`query ($ids: [ID!], $items: [Item!]! = [], $nested: [[Int]], $chosen: Chosen, $inner: [ID!], $name: String) {
  echo(ids: $ids, items: $items, nested: $nested, chosen: $chosen, name: $name)
  inner: echo(chosen: { ids: $inner })
}`);

const planned = createPlannedExecutor(normalizedExecutor as Execute);

const argsOf = (variableValues: Record<string, unknown>): ExecutionArgs => ({
  schema,
  document: QUERY,
  variableValues: { inner: ["1"], ...variableValues },
});

/** Like the list, but long, and with one item at a place behind the first pieces. */
const longList = (item: (at: number) => unknown, odd?: unknown): unknown[] =>
  Array.from({ length: 12_000 }, (_, at) => (at === 11_111 && odd !== undefined ? odd : item(at)));

const text = (at: number): string => String(at);
const item = (at: number): unknown => (at % 2 === 0 ? { id: at } : { id: text(at), color: "GREEN" });

it.each([
  ["ids", { ids: longList(text) }],
  ["numbers as ids", { ids: longList((at) => at), name: "x" }],
  ["objects with defaults and enums", { items: longList(item) }],
  ["lists, also items that are none", { nested: longList((at) => (at % 2 === 0 ? [at, null] : at)) }],
  ["a list in an object", { chosen: { ids: longList(text) } }],
  ["a variable within an object of the document", { inner: longList(text) }],
  ["several lists", { ids: longList(text), chosen: { ids: longList(text) }, items: [{ id: 1 }] }],
  ["a null", { ids: longList(text, null) }],
  ["a value of another type", { ids: longList(text, {}) }],
  ["an unknown field", { items: longList(item, { id: 1, name: "x" }) }],
  ["a missing field", { items: longList(item, {}) }],
  ["a value in a list", { nested: longList((at) => [at], [1, "x"]) }],
  ["a wrong list in an object", { chosen: { ids: longList(text, 1.5) } }],
  ["a long list of one field among others", { chosen: { ids: longList(text), all: true } }],
  ["an unknown field beside the list", { chosen: { ids: longList(text), none: true } }],
  ["a long list for a single value", { name: longList(text) }],
  ["a list for an object", { chosen: longList(text) }],
  ["a wrong variable beside the list", { ids: longList(text), name: 5 }],
])("a long list is taken, or refused, as the executor does it: %s", async (_what, variables) => {
  const own = (await planned(argsOf(variables))) as ExecutionResult;
  const reference = (await normalizedExecutor(argsOf(variables))) as ExecutionResult;
  expect(own.data).toEqual(reference.data);
  // The executor quotes the whole of an object with a wrong member.
  const plain = ({ errors }: ExecutionResult) =>
    errors
      ?.slice(0, 10)
      .map(({ message, locations }) => [
        message
          .replace(/\{ ids: \[("\d+"(, )?)+\]/, "{ ids: []")
          .replace(/value \[("\d+"(, )?)+\]/, "value a list of 12000"),
        locations,
      ]);
  expect(plain(own)).toEqual(plain(reference));
});

it("a long list is coerced in many turns of the event loop", async () => {
  const { list, most } = watchedList(longList(text).concat(longList(text), longList(text)));
  const { errors } = (await planned(argsOf({ ids: list }))) as ExecutionResult;
  expect(errors).toBeUndefined();
  expect(most()).toBeLessThanOrEqual(MAX_ITEMS_PER_TURN);
});

it.each([
  [
    "an object with many unknown members",
    Object.fromEntries(longList(text).map((name) => [`n${String(name)}`, 1])),
  ],
  ["a long text beside unknown members", { all: "x".repeat(100_000), a: 1, b: 2, c: 3 }],
  ["a list of a million for an object", Array.from({ length: 1_000_000 }, () => 1)],
])("an answer does not quote what is large: %s", async (_what, chosen) => {
  const { data, errors } = (await planned(argsOf({ chosen }))) as ExecutionResult;
  expect(data).toBeUndefined();
  expect(errors?.[0]?.message).toMatch(
    /^Variable "\$chosen" got invalid value a (large object|list of 1000000|text of 100000)/,
  );
  expect(errors?.length).toBeLessThanOrEqual(10);
  expect(JSON.stringify(errors).length).toBeLessThan(30_000);
});
