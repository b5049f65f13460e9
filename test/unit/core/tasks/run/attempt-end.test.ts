import { describe, expect, it } from "vitest";
import { cancelledEnd } from "../../../../../src/core/tasks/settle/ending.ts";
import { endOfError, endOfResult } from "../../../../../src/core/tasks/run/attempt-end.ts";
import type { Counts } from "../../../../../src/core/tasks/progress.ts";
import { NO_COUNTS, progressOf } from "../../../../../src/core/tasks/progress.ts";
import { cancelled } from "../../../../../src/core/tasks/run/running-attempts.ts";
import type { Ending } from "../../../../../src/core/tasks/settle/ending.ts";
import type { HandlerResult } from "../../../../../src/core/tasks/task-definition.ts";

/** The task's message after the handler returned. */
function messageOf(total: number | null, result: HandlerResult): string | null | undefined {
  return endOfResult(result, progressOf(total, NO_COUNTS)).settle.message;
}

describe("a cancelled task whose handler threw", () => {
  const reported = progressOf(10, { succeeded: 7, failed: 0, skipped: 0 });
  const endAfter = (done: Counts | null): Partial<Ending> => {
    const end = endOfError(cancelled(), reported);
    return end.kind === "ENDED" && typeof end.settle === "function" ? end.settle(done) : {};
  };

  it("counts its DONE chunks, even where more was reported", () => {
    const done = { succeeded: 2, failed: 1, skipped: 0 };
    expect(endAfter(done)).toMatchObject({ status: "CANCELLED", counts: done });
    expect(endAfter(NO_COUNTS)).toMatchObject({ status: "CANCELLED", counts: NO_COUNTS });
  });

  it("counts what was reported, where it has no chunks", () => {
    expect(endAfter(null)).toMatchObject({
      status: "CANCELLED",
      counts: { succeeded: 7 },
      message: "Cancelled: 7 of 10 records were dealt with, 3 were left as they were.",
    });
  });

  it("says one record in the singular", () => {
    expect(cancelledEnd(2, { succeeded: 1, failed: 0, skipped: 0 }).message).toBe(
      "Cancelled: 1 of 2 records was dealt with, 1 was left as it was.",
    );
    expect(cancelledEnd(null, { succeeded: 1, failed: 0, skipped: 0 }).message).toBe(
      "Cancelled after 1 record.",
    );
  });

  it("is PARTIAL or SUCCEEDED where all of its chunks are DONE", () => {
    expect(endAfter({ succeeded: 9, failed: 1, skipped: 0 })).toMatchObject({ status: "PARTIAL" });
  });
});

describe("the message of a task whose handler returned", () => {
  it.each([
    ["had nothing to do", 0, NO_COUNTS, "Nothing was changed: no records were selected."],
    [
      "skipped its one record",
      1,
      { ...NO_COUNTS, skipped: 1 },
      "Nothing was changed: the only record was skipped.",
    ],
    ["skipped all", 2, { ...NO_COUNTS, skipped: 2 }, "Nothing was changed: all 2 records were skipped."],
    [
      "changed one record and skipped the other",
      2,
      { succeeded: 1, failed: 0, skipped: 1 },
      "1 of 2 records was skipped; the other was dealt with.",
    ],
    [
      "failed at one record and skipped the other",
      2,
      { succeeded: 0, failed: 1, skipped: 1 },
      "1 of 2 records failed; the other was skipped.",
    ],
    ["counted none of its two records", 2, NO_COUNTS, null],
    ["did not count at all", null, NO_COUNTS, null],
  ])("that %s", (_which, total, counts, message) => {
    expect(messageOf(total, { counts })).toBe(message);
  });

  it("is the handler's own if it returned one", () => {
    expect(messageOf(0, { message: "All is well." })).toBe("All is well.");
  });
});
