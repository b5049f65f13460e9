import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalRecordId,
  formatRecordKey,
  parseRecordKey,
  recordKeyOf,
} from "../../../../src/core/records/record-key.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const key = { isKey: true };
const BY_INT = modelOf("Counter", [scalar("id", "Int", key)]);
const BY_BIGINT = modelOf("Ledger", [scalar("id", "BigInt", key)]);
const BY_UUID = modelOf("Label", [scalar("id", "String", { ...key, nativeType: "uuid" })]);
const BY_TEXT = modelOf("Code", [scalar("code", "String", key)]);
const BY_DAY = modelOf("Day", [scalar("day", "DateTime", { ...key, nativeType: "date" })]);
const BY_TIME = modelOf("Bell", [
  scalar("time", "DateTime", { ...key, nativeType: "time(3) without time zone" }),
]);
const BY_MOMENT = modelOf("Log", [
  scalar("at", "DateTime", { ...key, nativeType: "timestamp(3) with time zone" }),
]);
const BY_SMALLINT = modelOf("Small", [scalar("id", "Int", { ...key, nativeType: "smallint" })]);
const BY_OID = modelOf("Big", [scalar("id", "Int", { ...key, nativeType: "oid" })]);
const COMPOSITE = modelOf("Pair", [scalar("left", "String", key), scalar("right", "Int", key)]);

describe("record keys", () => {
  it("formats equal keys as one text", () => {
    expect(canonicalRecordId(BY_INT, "007")).toBe("7");
    expect(canonicalRecordId(BY_INT, "-0")).toBe("0");
    expect(canonicalRecordId(BY_BIGINT, "0009223372036854775807".slice(3))).toBe("9223372036854775807");
    const upper = "0190A3F0-0000-7000-8000-00000000000A";
    expect(canonicalRecordId(BY_UUID, upper)).toBe(upper.toLowerCase());
    // A text column is case-sensitive, also where a text looks like a UUID.
    expect(canonicalRecordId(BY_TEXT, upper)).toBe(upper);
  });

  it("writes a date without its time, and a time of day without a date", () => {
    for (const text of ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-30T23:00:00.5-02:00"]) {
      expect(canonicalRecordId(BY_DAY, text)).toBe("2026-01-31T00:00:00.000Z");
      expect(formatRecordKey(BY_DAY, { day: new Date("2026-01-31T23:59:59.999Z") })).toBe(
        "2026-01-31T00:00:00.000Z",
      );
    }
    expect(canonicalRecordId(BY_DAY, "1969-12-31T12:00:00Z")).toBe("1969-12-31T00:00:00.000Z");
    expect(canonicalRecordId(BY_TIME, "1969-12-31T13:30:00+01:00")).toBe("1970-01-01T12:30:00.000Z");
    expect(canonicalRecordId(BY_MOMENT, "2026-01-31T13:30:00.1234+01:00")).toBe("2026-01-31T12:30:00.123Z");
  });

  it("types the values by the model's fields", () => {
    expect(parseRecordKey(BY_INT, "42")).toEqual({ value: { id: 42 } });
    expect(parseRecordKey(BY_BIGINT, "42")).toEqual({ value: { id: 42n } });
    expect(parseRecordKey(BY_TEXT, "FR")).toEqual({ value: { code: "FR" } });
    expect(parseRecordKey(BY_TEXT, "a😀")).toEqual({ value: { code: "a😀" } });
  });

  it("parses every composite key that it formats", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: -1000, max: 1000 }), (left, right) => {
        fc.pre(!left.includes("\u0000"));
        const id = formatRecordKey(COMPOSITE, { left, right });
        expect(id).toMatch(/^[\w-]+$/);
        expect(parseRecordKey(COMPOSITE, id)).toEqual({ value: { left, right } });
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
    [BY_SMALLINT, "32768"],
    [BY_SMALLINT, "-32769"],
    [BY_OID, "-1"],
    [BY_DAY, "1"],
    [BY_DAY, "2026-02-30"],
    [BY_DAY, "0000-01-01"],
    [BY_DAY, "+275760-09-13T00:00:00.000Z"],
    [BY_MOMENT, "2026-01-31T12:00:00"],
    [BY_MOMENT, "9999-12-31T23:59:59-12:00"],
    [BY_TEXT, ""],
    [BY_TEXT, "a\u0000"],
    [BY_TEXT, "a\ud83d"],
    [BY_TEXT, "\ude00b"],
    [COMPOSITE, "FR"],
    [COMPOSITE, Buffer.from('["only"]').toString("base64url")],
    [COMPOSITE, Buffer.from('["a","x"]').toString("base64url")],
    [COMPOSITE, Buffer.from('["\\ud83d","1"]').toString("base64url")],
  ])("refuses a malformed id of %o", (model, id) => {
    const message = expect.stringContaining("is not an id of") as unknown;
    expect(parseRecordKey(model, id)).toEqual({
      problems: [{ code: "VALIDATION_FAILED", field: "id", message }],
    });
    expect(() => recordKeyOf(model, id)).toThrow(/is not an id of/);
  });
});
