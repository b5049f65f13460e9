import { describe, expect, it } from "vitest";
import { endOfResult } from "../../../../src/core/tasks/attempt-end.ts";
import { NO_COUNTS, progressOf } from "../../../../src/core/tasks/progress.ts";
import type { HandlerResult } from "../../../../src/core/tasks/task-definition.ts";

/** What the task says of itself once the handler has returned. */
function messageOf(total: number | null, result: HandlerResult): string | null | undefined {
  const end = endOfResult(result, progressOf(total, NO_COUNTS));
  return end.kind === "ENDED" ? end.settlement.message : undefined;
}

describe("the message of a task that went well", () => {
  it.each([
    ["had nothing to do", 0, NO_COUNTS, "Nothing was changed: no records were selected."],
    [
      "skipped its one record",
      1,
      { ...NO_COUNTS, skipped: 1 },
      "Nothing was changed: the only record was skipped.",
    ],
    ["skipped all", 2, { ...NO_COUNTS, skipped: 2 }, "Nothing was changed: all 2 records were skipped."],
    ["changed some and skipped the others", 2, { succeeded: 1, failed: 0, skipped: 1 }, null],
    ["failed at some and skipped the others", 2, { succeeded: 0, failed: 1, skipped: 1 }, null],
    ["did not count, of a number of records", 2, NO_COUNTS, null],
    ["did not count at all", null, NO_COUNTS, null],
  ])("of one that %s", (_which, total, counts, message) => {
    expect(messageOf(total, { counts })).toBe(message);
  });

  it("is the handler's own where it has one", () => {
    expect(messageOf(0, { message: "All is well." })).toBe("All is well.");
  });
});
