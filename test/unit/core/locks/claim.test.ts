import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { freeOf, mergeClaims, sortIds } from "../../../../src/core/locks/claim.ts";

describe("mergeClaims", () => {
  it("makes one claim of those on a model under one scope, no id twice", () => {
    expect(
      mergeClaims([
        { model: "City", ids: ["2", "1", "2"] },
        { model: "Tag", ids: ["1"] },
        { model: "City", ids: [] },
        { model: "City", ids: ["3", "1"] },
        { model: "City", ids: ["1"], scope: "north" },
        { model: "City", ids: ["4"], scope: "north" },
      ]),
    ).toEqual([
      { model: "City", ids: ["2", "1", "3"] },
      { model: "Tag", ids: ["1"] },
      { model: "City", ids: ["1", "4"], scope: "north" },
    ]);
  });

  it("leaves out claims that name no record", () => {
    expect(mergeClaims([{ model: "City", ids: [] }])).toEqual([]);
    expect(mergeClaims([])).toEqual([]);
  });

  it("merges a claim on the whole model with the claims on its records in the same scope only", () => {
    expect(
      mergeClaims([
        { model: "City", ids: ["1"], scope: "north" },
        { model: "City", ids: ["2"], scope: "south" },
        { model: "City", ids: "all", scope: "north" },
        { model: "City", ids: ["3"] },
      ]),
    ).toEqual([
      { model: "City", ids: "all", scope: "north" },
      { model: "City", ids: ["2"], scope: "south" },
      { model: "City", ids: ["3"] },
    ]);
  });

  it("merges claims of every scope into a claim on the whole model without a scope", () => {
    expect(
      mergeClaims([
        { model: "City", ids: ["1"], scope: "north" },
        { model: "City", ids: "all", scope: "south" },
        { model: "Tag", ids: ["1"], scope: "north" },
        { model: "City", ids: "all" },
      ]),
    ).toEqual([
      { model: "Tag", ids: ["1"], scope: "north" },
      { model: "City", ids: "all" },
    ]);
  });
});

describe("freeOf", () => {
  it("leaves claims without conflicts as they are", () => {
    const claims = [
      { model: "City", ids: ["1"], scope: "north" } as const,
      { model: "Tag", ids: "all" } as const,
    ];
    expect(freeOf(claims, [])).toEqual(claims);
    expect(freeOf(claims, [{ model: "Street", id: "1" }])).toEqual(claims);
  });

  it("takes out the conflicting records, in their own model only", () => {
    expect(
      freeOf(
        [
          { model: "City", ids: ["1", "2", "3"], scope: "north" },
          { model: "Tag", ids: ["1", "2"] },
        ],
        [
          { model: "City", id: "1" },
          { model: "City", id: "3" },
          { model: "Tag", id: "2" },
        ],
      ),
    ).toEqual([
      { model: "City", ids: ["2"], scope: "north" },
      { model: "Tag", ids: ["1"] },
    ]);
  });

  it("takes out every record of a model that is held as a whole", () => {
    expect(freeOf([{ model: "City", ids: ["1", "2"] }], [{ model: "City", id: null }])).toEqual([]);
  });

  it("takes out a claim on a whole model if any of its records is in conflict", () => {
    expect(freeOf([{ model: "City", ids: "all" }], [{ model: "City", id: "7" }])).toEqual([]);
  });
});

describe("sortIds", () => {
  it("sorts by the bytes of UTF-8, without repeats", () => {
    expect(sortIds(["10", "9", "1", "9"])).toEqual(["1", "10", "9"]);
    expect(sortIds(["😀", "\ufb01", "z", "\ufb01"])).toEqual(["z", "\ufb01", "😀"]);
    expect(sortIds([])).toEqual([]);
  });

  it("sorts any text by its bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (ids) => {
        const bytes = sortIds(ids).map((id) => Buffer.from(id));
        expect(bytes).toEqual(bytes.toSorted((a, b) => Buffer.compare(a, b)));
        expect(new Set(sortIds(ids))).toEqual(new Set(ids));
      }),
    );
  });
});
