import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalRecordId,
  formatRecordKey,
  parseRecordKey,
} from "../../../../src/core/records/record-key.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const key = { isKey: true };
const BY_INT = modelOf("Counter", [scalar("id", "Int", key)]);
const BY_BIGINT = modelOf("Ledger", [scalar("id", "BigInt", key)]);
const BY_UUID = modelOf("Label", [scalar("id", "String", { ...key, isUuid: true })]);
const BY_TEXT = modelOf("Code", [scalar("code", "String", key)]);
const COMPOSITE = modelOf("Pair", [scalar("left", "String", key), scalar("right", "Int", key)]);

describe("record keys", () => {
  it("gives one text to equal keys", () => {
    expect(canonicalRecordId(BY_INT, "007")).toBe("7");
    expect(canonicalRecordId(BY_INT, "-0")).toBe("0");
    expect(canonicalRecordId(BY_BIGINT, "0009223372036854775807".slice(3))).toBe("9223372036854775807");
    const upper = "0190A3F0-0000-7000-8000-00000000000A";
    expect(canonicalRecordId(BY_UUID, upper)).toBe(upper.toLowerCase());
    // A text column tells upper from lower case, whatever the text looks like.
    expect(canonicalRecordId(BY_TEXT, upper)).toBe(upper);
  });

  it("types the values as the model says", () => {
    expect(parseRecordKey(BY_INT, "42")).toEqual({ id: 42 });
    expect(parseRecordKey(BY_BIGINT, "42")).toEqual({ id: 42n });
    expect(parseRecordKey(BY_TEXT, "FR")).toEqual({ code: "FR" });
    expect(parseRecordKey(BY_TEXT, "a😀")).toEqual({ code: "a😀" });
  });

  it("takes back every composite key that it formats", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: -1000, max: 1000 }), (left, right) => {
        fc.pre(!left.includes("\u0000"));
        const id = formatRecordKey(COMPOSITE, { left, right });
        expect(id).toMatch(/^[\w-]+$/);
        expect(parseRecordKey(COMPOSITE, id)).toEqual({ left, right });
        expect(canonicalRecordId(COMPOSITE, id)).toBe(id);
      }),
    );
  });

  it.each([
    [BY_INT, ""],
    [BY_INT, "abc"],
    [BY_INT, "1.5"],
    [BY_INT, "2147483648"],
    [BY_INT, "1; DROP TABLE"],
    [BY_BIGINT, "12345678901234567890"],
    [BY_UUID, "FR"],
    [BY_TEXT, ""],
    [BY_TEXT, "a\u0000"],
    [BY_TEXT, "a\ud83d"],
    [BY_TEXT, "\ude00b"],
    [COMPOSITE, "FR"],
    [COMPOSITE, Buffer.from('["only"]').toString("base64url")],
    [COMPOSITE, Buffer.from('["a","x"]').toString("base64url")],
    [COMPOSITE, Buffer.from('["\\ud83d","1"]').toString("base64url")],
  ])("refuses a malformed id of %o", (model, id) => {
    expect(() => parseRecordKey(model, id)).toThrow(/is not an id of/);
  });
});
