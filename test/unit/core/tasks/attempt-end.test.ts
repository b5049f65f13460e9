import { describe, expect, it } from "vitest";
import { cancelledEnd, endOfError, endOfResult } from "../../../../src/core/tasks/attempt-end.ts";
import type { Counts } from "../../../../src/core/tasks/progress.ts";
import { NO_COUNTS, progressOf } from "../../../../src/core/tasks/progress.ts";
import { cancelled } from "../../../../src/core/tasks/running-attempts.ts";
import type { Ending } from "../../../../src/core/tasks/settle-task.ts";
import type { HandlerResult } from "../../../../src/core/tasks/task-definition.ts";

/** What the task says of itself once the handler has returned. */
function messageOf(total: number | null, result: HandlerResult): string | null | undefined {
  return endOfResult(result, progressOf(total, NO_COUNTS)).settle.message;
}

describe("a task that was to be cancelled, and whose handler threw", () => {
  const reported = progressOf(10, { succeeded: 7, failed: 0, skipped: 0 });
  const endAfter = (done: Counts | null): Partial<Ending> => {
    const end = endOfError(cancelled(), reported);
    return end.kind === "ENDED" && typeof end.settle === "function" ? end.settle(done) : {};
  };

  it("has done what its chunks say, whatever was reported of what is undone by now", () => {
    const done = { succeeded: 2, failed: 1, skipped: 0 };
    expect(endAfter(done)).toMatchObject({ status: "CANCELLED", counts: done });
    expect(endAfter(NO_COUNTS)).toMatchObject({ status: "CANCELLED", counts: NO_COUNTS });
  });

  it("has done what it reported, where it has no chunks", () => {
    expect(endAfter(null)).toMatchObject({
      status: "CANCELLED",
      counts: { succeeded: 7 },
      message: "Cancelled: 7 of 10 records were dealt with, 3 were left as they were.",
    });
  });

  it("says so in the singular where it is one", () => {
    expect(cancelledEnd(2, { succeeded: 1, failed: 0, skipped: 0 }).message).toBe(
      "Cancelled: 1 of 2 records was dealt with, 1 was left as it was.",
    );
    expect(cancelledEnd(null, { succeeded: 1, failed: 0, skipped: 0 }).message).toBe(
      "Cancelled after 1 record.",
    );
  });

  it("was done before, where all of its chunks are", () => {
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
      "changed some and skipped the others",
      2,
      { succeeded: 1, failed: 0, skipped: 1 },
      "1 of 2 records was skipped; the other was dealt with.",
    ],
    [
      "failed at some and skipped the others",
      2,
      { succeeded: 0, failed: 1, skipped: 1 },
      "1 of 2 records failed; the other was skipped.",
    ],
    ["did not count, of a number of records", 2, NO_COUNTS, null],
    ["did not count at all", null, NO_COUNTS, null],
  ])("of one that %s", (_which, total, counts, message) => {
    expect(messageOf(total, { counts })).toBe(message);
  });

  it("is the handler's own where it has one", () => {
    expect(messageOf(0, { message: "All is well." })).toBe("All is well.");
  });
});
