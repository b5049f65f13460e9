import { describe, expect, it } from "vitest";
import { toSegments } from "../../../../../src/adapters/postgres/locks/lock-segments.ts";

const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => String(at).padStart(4, "0"));

describe("toSegments", () => {
  it("cuts a claim into sorted segments of 500 ids with their bounds", async () => {
    const [models, lowest, highest, ids, scopes, separator] = await toSegments([
      { model: "City", ids: numbers(1_001).toReversed() },
    ]);
    expect(models).toEqual(["City", "City", "City"]);
    expect(lowest).toEqual(["0000", "0500", "1000"]);
    expect(highest).toEqual(["0499", "0999", "1000"]);
    expect(ids.flatMap((text) => text?.split(separator))).toEqual(numbers(1_001));
    expect(scopes).toEqual(["", "", ""]);
  });

  it.each(["a", "\u{1f600}", "\u{d7ff}", "\u{10ffff}a", "a\u{10ffff}"])(
    "gives ids of many letters %j short bounds around them",
    async (letters) => {
      const id = letters.repeat(3000);
      const [, [lowest], [highest], ids] = await toSegments([{ model: "City", ids: [id] }]);
      const bytes = (text: string | null | undefined): Buffer => Buffer.from(text ?? "");
      expect(ids).toEqual([id]);
      expect(bytes(lowest).compare(bytes(id))).toBeLessThan(0);
      expect(bytes(highest).compare(bytes(id))).toBeGreaterThan(0);
      expect(bytes(lowest).length + bytes(highest).length).toBeLessThan(2000);
    },
  );

  it("gives a whole model neither ids nor bounds, and drops claims on its records", async () => {
    const [models, lowest, highest, ids, scopes] = await toSegments([
      { model: "City", ids: ["1"] },
      { model: "Tag", ids: ["2"] },
      { model: "City", ids: "all" },
      { model: "City", ids: ["3"] },
    ]);
    expect(models).toEqual(["Tag", "City"]);
    expect(lowest).toEqual(["2", null]);
    expect(highest).toEqual(["2", null]);
    expect(ids).toEqual(["2", null]);
    expect(scopes).toEqual(["", ""]);
  });

  it("drops duplicate ids, within a claim and between claims", async () => {
    const [, , , ids, , separator] = await toSegments([
      { model: "City", ids: ["2", "1", "2"] },
      { model: "City", ids: ["1", "3"] },
    ]);
    expect(ids).toEqual([["1", "2", "3"].join(separator)]);
  });

  it("keeps the scopes of one model apart", async () => {
    const [models, lowest, , , scopes] = await toSegments([
      { model: "City", ids: ["1"], scope: "north" },
      { model: "City", ids: "all", scope: "south" },
      { model: "City", ids: ["3"], scope: "south" },
      { model: "City", ids: ["2"], scope: "north" },
      { model: "City", ids: ["4"] },
    ]);
    expect(models).toEqual(["City", "City", "City"]);
    expect(lowest).toEqual(["1", "4", null]);
    expect(scopes).toEqual(["north", "", "south"]);
  });
});
