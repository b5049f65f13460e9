import { describe, expect, it } from "vitest";
import { toSegments } from "../../../../src/adapters/postgres/lock-segments.ts";

const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => String(at).padStart(4, "0"));

describe("toSegments", () => {
  it("cuts a claim into segments of 500 in order, and notes their bounds", () => {
    const { models, lowest, highest, ids, separator } = toSegments([
      { model: "City", ids: numbers(1_001).toReversed() },
    ]);
    expect(models).toEqual(["City", "City", "City"]);
    expect(lowest).toEqual(["0000", "0500", "1000"]);
    expect(highest).toEqual(["0499", "0999", "1000"]);
    expect(ids.flatMap((text) => text?.split(separator))).toEqual(numbers(1_001));
  });

  it("gives a whole model neither ids nor bounds, and takes its records in", () => {
    const segments = toSegments([
      { model: "City", ids: ["1"] },
      { model: "Tag", ids: ["2"] },
      { model: "City", ids: "all" },
      { model: "City", ids: ["3"] },
    ]);
    expect(segments).toMatchObject({
      models: ["Tag", "City"],
      lowest: ["2", null],
      highest: ["2", null],
      ids: ["2", null],
    });
  });

  it("drops repeats, within a claim and between claims", () => {
    const { ids, separator } = toSegments([
      { model: "City", ids: ["2", "1", "2"] },
      { model: "City", ids: ["1", "3"] },
    ]);
    expect(ids).toEqual([["1", "2", "3"].join(separator)]);
  });
});
