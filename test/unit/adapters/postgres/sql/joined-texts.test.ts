import { describe, expect, it } from "vitest";
import { joinIds } from "../../../../../src/adapters/postgres/sql/joined-texts.ts";

describe("joinIds", () => {
  it("joins each group by a character that no id contains", async () => {
    const groups = [["a", "b"], ["c"]];
    const { texts, separator } = await joinIds(groups);
    expect(separator).toHaveLength(1);
    expect(texts.map((text) => text.split(separator))).toEqual(groups);
  });

  it("finds another separator when ids contain the usual ones", async () => {
    const hostile = Array.from({ length: 300 }, (_, code) => String.fromCharCode(code + 1)).join("");
    const { texts, separator } = await joinIds([[hostile, "b"]]);
    expect(hostile).not.toContain(separator);
    expect(texts[0]?.split(separator)).toEqual([hostile, "b"]);
  });

  it("joins nothing", async () => {
    expect((await joinIds([])).texts).toEqual([]);
  });
});
