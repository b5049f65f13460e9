import { expect, test } from "vitest";
import {
  DEFAULT_PAGE_SIZE,
  MAX_PAGE_SIZE,
  parsePageRequest,
} from "../../../../src/graphql/pagination/page.ts";

test("defaults", () => {
  expect(DEFAULT_PAGE_SIZE).toBe(20);
  expect(MAX_PAGE_SIZE).toBe(1000);
  expect(parsePageRequest({})).toEqual({ size: 20, isBackward: false, after: undefined, before: undefined });
  expect(parsePageRequest({ first: null, last: null, after: null })).toEqual(parsePageRequest({}));
});

test("last reads from the end", () => {
  expect(parsePageRequest({ last: 3, before: "c" })).toMatchObject({
    size: 3,
    isBackward: true,
    before: "c",
  });
});

test.each([
  [{ first: 1, last: 1 }, "Give either first or last, not both."],
  [{ first: -1 }, "first must be 0 or more, not -1."],
  [{ last: 1001 }, "last must be at most 1000, not 1001. Ask for the next page with after."],
])("%j is refused", (args, message) => {
  expect(() => parsePageRequest(args)).toThrow(message);
});
