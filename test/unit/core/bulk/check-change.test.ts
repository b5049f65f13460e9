import { describe, expect, it } from "vitest";
import { checkChange } from "../../../../src/core/bulk/check-change.ts";
import type { RecordChange } from "../../../../src/core/records/change.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import { enumeration, modelOf, scalar } from "../../../support/model-fixture.ts";

const MODEL = modelOf("Thing", [
  scalar("id", "Int", { isKey: true }),
  scalar("name", "String"),
  scalar("count", "Int"),
  scalar("big", "BigInt"),
  scalar("price", "Decimal"),
  scalar("at", "DateTime"),
  scalar("blob", "Bytes"),
  scalar("note", "String", { isNullable: true }),
  scalar("labels", "String", { isList: true }),
  enumeration("state", "State"),
  scalar("touchedAt", "DateTime", { isUpdatedAt: true }),
]);
const MODELS = createModelRegistry([MODEL], [{ name: "State", values: ["ON", "OFF"] }]);

function messages(change: unknown, model = MODEL): readonly string[] {
  return checkChange(MODELS, model, change as RecordChange).map((problem) => problem.message);
}

describe("checking a bulk change", () => {
  it.each([
    [{ name: { set: "x" } }],
    [{ count: { increment: 1 } }],
    [{ count: { set: -2_147_483_648 } }],
    [{ big: { set: "9223372036854775807" } }],
    [{ price: { multiply: "1.07" } }],
    [{ at: { set: "2026-01-31T12:00:00Z" } }],
    [{ blob: { set: "AAEC" } }],
    [{ note: { set: null } }],
    [{ labels: { set: ["a", "b"] } }],
    [{ state: { set: "OFF" }, count: { decrement: 2 } }],
  ])("accepts %j", (change) => {
    expect(messages(change)).toEqual([]);
  });

  it.each([
    [{}, /names no field/],
    [{ nothing: { set: 1 } }, /Thing.nothing cannot be changed in bulk. Fields that can: name, count/],
    [{ id: { set: 1 } }, /Thing.id cannot be changed in bulk/],
    [{ touchedAt: { set: "2026-01-31T12:00:00Z" } }, /Thing.touchedAt cannot be changed/],
    [{ count: {} }, /exactly one of set, increment/],
    [{ count: { set: 1, increment: 1 } }, /exactly one of set, increment/],
    [{ count: { divide: 2 } }, /divide is not an operation/],
    [{ count: { set: 2_147_483_648 } }, /2147483648 is not a whole number between/],
    [{ count: { set: 1.5 } }, /1.5 is not a whole number/],
    [{ count: { increment: null } }, /increment needs a number, not null/],
    [{ name: { increment: 1 } }, /increment needs a number field; this one is String/],
    [{ name: { set: null } }, /cannot be null/],
    [{ name: { set: "a\u0000b" } }, /without NUL/],
    [{ big: { set: "9223372036854775808" } }, /not a whole number of 64 bits/],
    [{ at: { set: "yesterday" } }, /not a date and time in ISO 8601/],
    [{ at: { set: "+010000-01-01T11:59:59.000Z" } }, /with its offset, in the years 1 to 9999 of UTC/],
    [{ at: { set: "2026-01-31T12:00:00" } }, /with its offset/],
    [{ blob: { set: "%%" } }, /not bytes in base64/],
    [{ labels: { set: "a" } }, /needs a list/],
    [{ labels: { set: [1] } }, /1 is not text/],
    [{ state: { set: "HALF" } }, /"HALF" is not one of ON, OFF/],
  ])("refuses %j", (change, expected) => {
    expect(messages(change)).toEqual([expect.stringMatching(expected)]);
  });

  it.each([{ isBulkWritable: false }, { isReadOnly: true }, { isExposed: false }])(
    "refuses a field with the switches %j, naming the others",
    (switches) => {
      const model = modelOf("Thing", [
        scalar("id", "Int", { isKey: true }),
        scalar("name", "String"),
        scalar("count", "Int", { switches }),
      ]);
      expect(messages({ count: { increment: 1 } }, model)).toEqual([
        "Thing.count cannot be changed in bulk. Fields that can: name.",
      ]);
    },
  );
});
