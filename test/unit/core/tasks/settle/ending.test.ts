import { expect, it } from "vitest";
import { describeOutcome } from "../../../../../src/core/tasks/settle/ending.ts";

it.each([
  [7, 3, 0, "3 of 10 records failed; the others were changed."],
  [5, 3, 2, "3 of 10 records failed, and 2 were skipped; the others were changed."],
  [1, 1, 1, "1 of 3 records failed, and 1 was skipped; the other was changed."],
  [0, 10, 0, "All 10 records failed."],
  [0, 1, 0, "The only record failed."],
  [0, 3, 1, "3 of 4 records failed; the other was skipped."],
  [8, 0, 2, "2 of 10 records were skipped; the others were changed."],
  [1, 0, 1, "1 of 2 records was skipped; the other was changed."],
  [10, 0, 0, null],
  [0, 0, 10, null],
  [0, 0, 0, null],
])(
  "describes %i changed, %i failed and %i skipped records as: %s %s",
  (succeeded, failed, skipped, words) => {
    expect(describeOutcome({ succeeded, failed, skipped }, "changed")).toBe(words);
  },
);
