import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitIntoChunks } from "../../../../src/core/tasks/split-into-chunks.ts";

const idsOf = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at));

describe("splitting into chunks", () => {
  it("keeps every id once, in order, in chunks that are neither empty nor too large", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 3000 }), (count, max) => {
        const chunks = splitIntoChunks(idsOf(count), max);
        expect(chunks.flat()).toEqual(idsOf(count));
        expect(chunks.every((chunk) => chunk.length > 0 && chunk.length <= max)).toBe(true);
      }),
    );
  });

  it("gives small tasks steps that can be watched, and large ones full chunks", () => {
    expect(splitIntoChunks(idsOf(20), 5000)).toHaveLength(1);
    expect(splitIntoChunks(idsOf(9000), 5000)).toHaveLength(20);
    expect(splitIntoChunks(idsOf(100_000), 5000)).toHaveLength(20);
    expect(splitIntoChunks(idsOf(135_233), 5000)).toHaveLength(28);
  });
});
