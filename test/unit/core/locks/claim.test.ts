import { describe, expect, it } from "vitest";
import { mergeClaims } from "../../../../src/core/locks/claim.ts";

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

  it("leaves out what names no record", () => {
    expect(mergeClaims([{ model: "City", ids: [] }])).toEqual([]);
    expect(mergeClaims([])).toEqual([]);
  });

  it("takes the records of a scope into the claim on all of it, and no others", () => {
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

  it("takes every scope of a model into the claim on the model without one", () => {
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
