import { describe, expect, test } from "vitest";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import { decodeCursor, encodeCursor } from "../../../../src/graphql/pagination/cursor.ts";
import { parseOrder } from "../../../../src/core/filters/order-terms.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const MODEL = modelOf("Row", [
  scalar("id", "Int", { isKey: true }),
  scalar("seen", "DateTime", { isNullable: true }),
]);
const MODELS = createModelRegistry([MODEL], []);
const TERMS = parseOrder({ models: MODELS, scopeOf: () => undefined }, MODEL, [{ seen: "DESC_NULLS_LAST" }]);
const decode = (cursor: string): unknown => decodeCursor(TERMS, "after", cursor);
const forge = (...parts: unknown[]): string => Buffer.from(JSON.stringify(parts)).toString("base64url");
const ORDER = "seen desc nulls last, id asc";

describe("a cursor", () => {
  test("contains the texts of the order's values", () => {
    const cursor = encodeCursor(TERMS, ["2026-01-31T12:00:00.000001+00:00", "7"]);
    expect(decode(cursor)).toEqual(["2026-01-31T12:00:00.000001+00:00", "7"]);
    expect(decode(encodeCursor(TERMS, [null, "7"]))).toEqual([null, "7"]);
  });

  test("of a record among equal ones is taken only where no equal one is beyond it", () => {
    const tied = (isTiedBefore: boolean, isTiedAfter: boolean): string =>
      encodeCursor(TERMS, [null, "7"], { isTiedBefore, isTiedAfter });
    expect(decode(tied(true, false))).toEqual([null, "7"]);
    expect(() => decode(tied(false, true))).toThrow("after is the cursor of one of several records");
    const before = (cursor: string): unknown => decodeCursor(TERMS, "before", cursor);
    expect(before(tied(false, true))).toEqual([null, "7"]);
    expect(() => before(tied(true, true))).toThrow("before is the cursor of one of several records");
  });

  test.each([
    ["text", "after is not a cursor."],
    ["", "after is not a cursor."],
    [forge(), "after is not a cursor."],
    [forge(1, 2), "after is not a cursor."],
    [
      forge("id asc", "7"),
      "after is a cursor of a list ordered by id asc; this one is ordered by seen desc nulls last, id asc.",
    ],
    [forge(ORDER, null), "after is a damaged cursor."],
    [forge(ORDER, null, null), "after is a damaged cursor."],
    [forge(ORDER, "a\u0000b", "7"), "after is a damaged cursor."],
    [forge(ORDER, null, 7), "after is a damaged cursor."],
    [forge(ORDER, null, { gt: 1 }), "after is a damaged cursor."],
    [forge(ORDER, null, "7", "8"), "after is a damaged cursor."],
  ])("%s is refused with the reason", (cursor, message) => {
    expect(() => decode(cursor)).toThrow(message);
  });
});
