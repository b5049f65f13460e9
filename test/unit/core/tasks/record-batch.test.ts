import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainBatch, splitIntoChunks } from "../../../../src/core/tasks/record-batch.ts";

const idsOf = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at));

describe("splitting into chunks", () => {
  it("keeps every record once, in order, in chunks that are neither empty nor too large", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 3000 }), (counts, max) => {
        const batches = counts.map((count, at) => ({
          ids: idsOf(count),
          fields: [`field ${at}`],
          columns: [idsOf(count).map((id) => `${at} ${id}`)],
        }));
        const chunks = splitIntoChunks(batches, max);
        expect(chunks.every(({ ids }) => ids.length > 0 && ids.length <= max)).toBe(true);
        batches.forEach((batch) => {
          const own = chunks.filter(({ fields }) => fields === batch.fields);
          expect(own.flatMap(({ ids }) => ids)).toEqual(batch.ids);
          expect(own.flatMap(({ columns }) => columns[0])).toEqual(batch.columns[0]);
        });
      }),
    );
  });

  it("gives small tasks small chunks, and large ones full chunks", () => {
    const countOf = (count: number): number => splitIntoChunks([plainBatch(idsOf(count))], 5000).length;
    expect([20, 9000, 100_000, 135_233].map(countOf)).toEqual([1, 20, 20, 28]);
  });
});
