import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sortIds } from "../../../../src/core/locks/sort-ids.ts";

describe("sortIds", () => {
  it("sorts by the bytes of UTF-8, without repeats", () => {
    expect(sortIds(["10", "9", "1", "9"])).toEqual(["1", "10", "9"]);
    expect(sortIds(["😀", "\ufb01", "z", "\ufb01"])).toEqual(["z", "\ufb01", "😀"]);
    expect(sortIds([])).toEqual([]);
  });

  it("does so for any text", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (ids) => {
        const bytes = sortIds(ids).map((id) => Buffer.from(id));
        expect(bytes).toEqual(bytes.toSorted((a, b) => Buffer.compare(a, b)));
        expect(new Set(sortIds(ids))).toEqual(new Set(ids));
      }),
    );
  });
});
