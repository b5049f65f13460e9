import { NO_COUNTS, percentOf, progressOf, runningProgress } from "../../../../src/core/tasks/progress.ts";
import { describe, expect, it } from "vitest";

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

  it("rounds its rate, and computes the time left from the exact one", () => {
    const pace = { elapsedMs: 3000, attempted: 10 };
    expect(progressOf(20, { ...NO_COUNTS, succeeded: 10 }, pace)).toMatchObject({
      recordsPerSecond: 3,
      etaMs: 3000,
    });
  });
});

const reported = progressOf(
  10,
  { succeeded: 3, failed: 1, skipped: 0 },
  { elapsedMs: 2_000, attempted: 4, message: "working" },
);

describe("the progress of a running task", () => {
  it("is the sum of the chunks if nothing was reported", () => {
    const done = { succeeded: 2, failed: 1, skipped: 1 };
    expect(runningProgress(10, done, null)).toEqual(progressOf(10, done));
  });

  it("is the report if that is as far as the chunks, or further", () => {
    expect(runningProgress(10, NO_COUNTS, reported)).toEqual(reported);
    expect(runningProgress(10, { succeeded: 0, failed: 0, skipped: 4 }, reported)).toEqual(reported);
  });

  it("has the chunks' counts if they are further, with the report's pace and message", () => {
    const done = { succeeded: 5, failed: 0, skipped: 0 };
    expect(runningProgress(10, done, reported)).toEqual({
      ...progressOf(10, done),
      recordsPerSecond: 2,
      etaMs: 3_000,
      message: "working",
    });
  });

  it("has the total that the handler set", () => {
    expect(runningProgress(null, NO_COUNTS, reported)).toMatchObject({ total: 10, percent: 40 });
    const unknown = progressOf(null, NO_COUNTS);
    expect(runningProgress(10, NO_COUNTS, unknown)).toMatchObject({ total: 10, percent: 0 });
  });
});
