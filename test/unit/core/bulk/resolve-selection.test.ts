import { expect, it } from "vitest";
import { describeExcess } from "../../../../src/core/bulk/resolve-selection.ts";

it.each([
  [
    { matched: 5001, what: "selected", limit: 5000, maxRecords: 5000 },
    "5001 records are selected; this service allows 5000 in one operation. Nothing was changed.",
  ],
  [
    { matched: 1, what: "given", limit: 0, maxRecords: 5000 },
    "1 record is given; options.maxAffected allows 0. Nothing was changed.",
  ],
  [
    { matched: null, what: "selected", limit: 1, maxRecords: 5000 },
    "More than 1 record is selected; options.maxAffected allows 1. Nothing was changed.",
  ],
] as const)("describes %j in a natural order of words", (excess, words) => {
  expect(describeExcess(excess)).toBe(words);
});
