import { parseValue } from "graphql";
import { describe, expect, test } from "vitest";
import {
  BIG_INT_SCALAR,
  BYTES_SCALAR,
  DATE_TIME_SCALAR,
  DECIMAL_SCALAR,
  JSON_SCALAR,
} from "../../../../src/graphql/scalars.ts";

const literal = (text: string) => parseValue(text);

describe("BigInt", () => {
  test("accepts text and safe numbers, and returns text", () => {
    expect(BIG_INT_SCALAR.parseValue("9223372036854775807")).toBe(9223372036854775807n);
    expect(BIG_INT_SCALAR.parseValue(-5)).toBe(-5n);
    expect(BIG_INT_SCALAR.parseLiteral(literal("9007199254740993"))).toBe(9007199254740993n);
    expect(BIG_INT_SCALAR.serialize(9007199254740993n)).toBe("9007199254740993");
  });
  test.each(["9223372036854775808", "1.5", "", "x", "1e3", 2 ** 53, 1.5, true, null])(
    "refuses %j",
    (value) => {
      expect(() => BIG_INT_SCALAR.parseValue(value)).toThrow("BigInt cannot represent");
    },
  );
  test("refuses literals of other kinds", () => {
    expect(() => BIG_INT_SCALAR.parseLiteral(literal("1.0"))).toThrow("BigInt cannot represent");
  });
});

describe("DateTime", () => {
  test.each([
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"],
    ["2026-01-31t12:00z", "2026-01-31T12:00:00.000Z"],
    ["2026-01-31T12:00:00.123456+05:30", "2026-01-31T06:30:00.123Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["2026-01-31", "2026-01-31"],
    ["12:00:00.123", "12:00:00.123"],
  ])("takes %s", (text, iso) => {
    expect(DATE_TIME_SCALAR.serialize(DATE_TIME_SCALAR.parseValue(text))).toBe(iso);
  });
  test.each([
    "2026-02-30",
    "24:00",
    "2026-01-31T12:00:00",
    "2026-02-30T00:00:00Z",
    // In UTC, beyond the years with four digits.
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+10:00",
    "0000-06-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-31T24:00:00Z",
    "now",
    5,
    null,
  ])("refuses %j", (value) => {
    expect(() => DATE_TIME_SCALAR.parseValue(value)).toThrow("expected a date and time in ISO 8601");
  });
});

describe("Decimal", () => {
  test("keeps every digit", () => {
    expect(DECIMAL_SCALAR.parseValue("12345678901234567890.10")).toBe("12345678901234567890.10");
    expect(DECIMAL_SCALAR.parseLiteral(literal("12345678901234567890.10"))).toBe("12345678901234567890.10");
    expect(DECIMAL_SCALAR.parseValue(1e21)).toBe("1e+21");
  });
  test.each(["12,5", "", ".5", "0x10", "Infinity", Number.NaN, "1e99999"])("refuses %j", (value) => {
    expect(() => DECIMAL_SCALAR.parseValue(value)).toThrow("Decimal cannot represent");
  });
});

describe("Bytes", () => {
  test("are base64 both ways", () => {
    expect(BYTES_SCALAR.parseValue("AAH/")).toEqual(new Uint8Array([0, 1, 255]));
    expect(BYTES_SCALAR.serialize(Buffer.from([0, 1, 255]))).toBe("AAH/");
    expect(BYTES_SCALAR.parseValue("")).toEqual(new Uint8Array());
  });
  test.each(["A", "AA", "A?==", "AAH_", 5])("refuses %j", (value) => {
    expect(() => BYTES_SCALAR.parseValue(value)).toThrow("expected bytes in base64");
  });
});

describe("JSON", () => {
  test("accepts literals that contain variables", () => {
    expect(
      JSON_SCALAR.parseLiteral(literal('{a: [1, 2.5, "x", true, null, {b: $v}]}'), { v: { c: 1 } }),
    ).toEqual({
      a: [1, 2.5, "x", true, null, { b: { c: 1 } }],
    });
  });
  test("refuses bare words", () => {
    expect(() => JSON_SCALAR.parseLiteral(literal("{a: WORD}"))).toThrow("put quotes around text");
  });
});
