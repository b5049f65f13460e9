import { describe, expect, it } from "vitest";
import { NO_COUNTS, percentOf, progressOf } from "../../../../src/core/tasks/progress.ts";

describe("progress", () => {
  it.each([
    [null, 5, null],
    [0, 0, 100],
    [3, 1, 33.33],
    [3, 2, 66.66],
    [7, 4, 57.14],
    [100_000, 58, 0.05],
    [100_000, 99_999, 99.99],
    [100_000, 100_000, 100],
    [10, 11, 100],
  ])("of %o records with %i processed is %o percent", (total, processed, percent) => {
    expect(percentOf(total, processed)).toBe(percent);
    expect(progressOf(total, { ...NO_COUNTS, succeeded: processed }).percent).toBe(percent);
  });

  it("rounds its rate, but reckons the time left with the exact one", () => {
    const pace = { elapsedMs: 3000, attempted: 10 };
    expect(progressOf(20, { ...NO_COUNTS, succeeded: 10 }, pace)).toMatchObject({
      recordsPerSecond: 3,
      etaMs: 3000,
    });
  });
});
