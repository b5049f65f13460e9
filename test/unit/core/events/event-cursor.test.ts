import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../../src/kernel/app-error.ts";
import { decodeCursor, encodeCursor } from "../../../../src/core/events/event-cursor.ts";

describe("event cursors", () => {
  it("decode to the position that they encode", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 48 }), (position) => {
        expect(decodeCursor(encodeCursor(position))).toBe(position);
      }),
    );
  });

  it.each([
    "",
    "1",
    "MQ",
    "event:1",
    encodeCursor(1).slice(0, -1),
    Buffer.from("event:-1").toString("base64url"),
  ])("refuse %j, and say what would be right", (text) => {
    expect(() => decodeCursor(text)).toThrow(
      expect.objectContaining({ code: "VALIDATION_FAILED", message: expect.stringContaining("unchanged") }),
    );
  });

  it("decode to a position, or are refused, for any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(outcomeOf(text)).toMatch(/^(position|VALIDATION_FAILED)$/);
      }),
    );
  });
});

function outcomeOf(text: string): string {
  try {
    decodeCursor(text);
    return "position";
  } catch (error) {
    return isAppError(error) ? error.code : String(error);
  }
}
