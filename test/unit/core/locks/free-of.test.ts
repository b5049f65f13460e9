import { describe, expect, it } from "vitest";
import { freeOf } from "../../../../src/core/locks/claim.ts";

describe("freeOf", () => {
  it("leaves the claims as they are where nothing is in the way", () => {
    const claims = [
      { model: "City", ids: ["1"], scope: "north" } as const,
      { model: "Tag", ids: "all" } as const,
    ];
    expect(freeOf(claims, [])).toEqual(claims);
    expect(freeOf(claims, [{ model: "Street", id: "1" }])).toEqual(claims);
  });

  it("takes out the records that are in the way, in their own model only", () => {
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

  it("takes out every record of a model that is held whole", () => {
    expect(freeOf([{ model: "City", ids: ["1", "2"] }], [{ model: "City", id: null }])).toEqual([]);
  });

  it("takes out a claim on a whole model where anything in it is in the way", () => {
    expect(freeOf([{ model: "City", ids: "all" }], [{ model: "City", id: "7" }])).toEqual([]);
  });
});
