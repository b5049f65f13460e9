import { describe, expect, it } from "vitest";
import { filterSizeProblem, FILTER_LIMITS } from "../../../../src/core/filters/filter-size.ts";

const { conditions, values, depth } = FILTER_LIMITS;
const list = <T>(length: number, item: T): T[] => Array.from({ length }, () => item);
const nested = (levels: number, wrap: (inner: object) => object): object => {
  let filter: object = { id: { equals: 1 } };
  for (let level = 1; level < levels; level += 1) {
    filter = wrap(filter);
  }
  return filter;
};

describe("a filter", () => {
  it("has these limits", () => {
    expect(FILTER_LIMITS).toEqual({ conditions: 1000, values: 10_000, depth: 20, length: 10_000 });
  });

  it.each<[string, object]>([
    ["conditions", { OR: list(conditions, { id: { equals: 1 } }) }],
    ["conditions of one field", { OR: list(conditions / 2, { id: { gt: 1, lt: 5 } }) }],
    ["empty filters", { OR: list(conditions, {}) }],
    ["values", { OR: [{ id: { in: list(values / 2, 1) } }, { id: { in: list(values / 2, 1) } }] }],
    ["levels", nested(depth, (NOT) => ({ NOT }))],
    ["levels of relations", nested(depth, (some) => ({ friends: { some } }))],
    ["a null", { parent: { is: null }, AND: null }],
  ])("may have as many %s", (_what, filter) => {
    expect(filterSizeProblem(filter, "where")).toBeUndefined();
  });

  it.each<[object, string]>([
    [{ OR: list(conditions + 1, { id: { equals: 1 } }) }, "1001 conditions, where at most 1000 are allowed"],
    [{ OR: list(200_000, { id: { equals: 1 } }) }, "200000 conditions"],
    [{ OR: list(conditions + 1, {}) }, "1001 conditions"],
    [{ OR: list(conditions, { id: { gt: 1, lt: 5 } }) }, "2000 conditions"],
    [
      { parent: { is: { OR: list(2, { id: { in: list(values, 1) } }) } } },
      "20000 values in its lists, where at most 10000 are allowed",
    ],
    [
      nested(depth + 1, (NOT) => ({ NOT })),
      "21 levels of filters within filters, where at most 20 are allowed",
    ],
    [nested(depth + 1, (is) => ({ parent: { is } })), "21 levels"],
    [{ name: { contains: "x".repeat(10_001) } }, "10001 characters in one of its texts, where at most 10000"],
    [{ tags: { hasSome: ["x", "x".repeat(10_001)] } }, "10001 characters in one of its texts"],
    [nested(100_000, (filter) => ({ AND: [filter] })), "100000 levels"],
    [
      { ...nested(30, (NOT) => ({ NOT })), id: { in: list(values + 1, 1) } },
      "10001 values in its lists, where at most 10000 are allowed, and 30 levels",
    ],
  ])("is refused beyond: %#", (filter, message) => {
    const problem = filterSizeProblem(filter, "selection.where");
    expect(problem).toMatchObject({ code: "VALIDATION_FAILED", field: "selection.where" });
    expect(problem?.message).toContain("selection.where is too large: it has ");
    expect(problem?.message).toContain(message);
  });
});
