import { describe, expect, it } from "vitest";
import { NO_COUNTS, progressOf } from "../../../../src/core/tasks/progress.ts";
import { runningProgress } from "../../../../src/core/tasks/running-progress.ts";

const reported = progressOf(
  10,
  { succeeded: 3, failed: 1, skipped: 0 },
  { elapsedMs: 2_000, attempted: 4, message: "working" },
);

describe("runningProgress", () => {
  it("is what the chunks say where nothing was reported", () => {
    const done = { succeeded: 2, failed: 1, skipped: 1 };
    expect(runningProgress(10, done, null)).toEqual(progressOf(10, done));
  });

  it("is what was reported where that is as far or further", () => {
    expect(runningProgress(10, NO_COUNTS, reported)).toEqual(reported);
    expect(runningProgress(10, { succeeded: 0, failed: 0, skipped: 4 }, reported)).toEqual(reported);
  });

  it("takes the chunks' counts where they are further, and keeps pace and message", () => {
    const done = { succeeded: 5, failed: 0, skipped: 0 };
    expect(runningProgress(10, done, reported)).toEqual({
      ...progressOf(10, done),
      recordsPerSecond: 2,
      etaMs: 3_000,
      message: "working",
    });
  });

  it("takes a total that the handler learned", () => {
    expect(runningProgress(null, NO_COUNTS, reported)).toMatchObject({ total: 10, percent: 40 });
    const unknown = progressOf(null, NO_COUNTS);
    expect(runningProgress(10, NO_COUNTS, unknown)).toMatchObject({ total: 10, percent: 0 });
  });
});
