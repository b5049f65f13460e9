import { expect, it } from "vitest";
import { createDocumentCache } from "../../../src/server/document-cache.ts";

it("keeps the most recently used documents, and no long ones", () => {
  const cache = createDocumentCache<number>(2);
  cache.set("a", 1);
  cache.set("b", 2);
  expect(cache.get("a")).toBe(1);
  cache.set("c", 3);
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([1, undefined, 3]);
  const long = "x".repeat(8001);
  cache.set(long, 4);
  expect(cache.get(long)).toBeUndefined();
});
