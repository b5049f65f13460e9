import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRecordSplitter } from "../../../../src/adapters/imports/split-records.ts";

describe("the records of a text", () => {
  it.each(["\n", "\r\n", "\r"])(
    "are its lines that are not empty, in whatever pieces it comes: %j",
    (end) => {
      const line = fc.constantFrom("", "", "a", '"', 'b"c', " ");
      fc.assert(
        fc.property(fc.array(line), fc.integer({ min: 1, max: 5 }), fc.boolean(), (lines, size, isEnded) => {
          const text = lines.join(end) + (isEnded ? end : "");
          const splitter = createRecordSplitter(undefined, 100);
          const pieces = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
          const records = [...pieces.flatMap((piece) => splitter.split(piece)), ...splitter.end()];
          expect(
            records.filter((record) => record.text !== "").map((record) => [record.line, record.text]),
          ).toEqual(lines.flatMap((each, at) => (each === "" ? [] : [[at + 1, each]])));
        }),
      );
    },
  );

  it.each(["", "''"])("are not looked for between quotes of another length than one: %j", (quote) => {
    expect(() => createRecordSplitter(quote, 100)).toThrow("The quote of the file has to be one character.");
  });

  it("begin on the line after those that an earlier one has in quotes", () => {
    const splitter = createRecordSplitter('"', 100);
    const records = [...splitter.split('\n\na\n\n"b\n\nc"\n\n'), ...splitter.end()];
    expect(records.map(({ line, text, hasQuote }) => [line, text, hasQuote])).toEqual([
      [3, "a", false],
      [5, '"b\n\nc"', true],
    ]);
  });
});
