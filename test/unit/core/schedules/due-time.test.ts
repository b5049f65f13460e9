import { describe, expect, it } from "vitest";
import { decideDue } from "../../../../src/core/schedules/launch-due.ts";

const at = (seconds: number): Date => new Date(Date.parse("2026-01-01T00:00:00Z") + seconds * 1000);
/** Due every ten seconds. */
const times = {
  nextAfter: (moment: Date) => at(Math.floor((moment.getTime() - at(0).getTime()) / 10_000) * 10 + 10),
};

describe("a due time", () => {
  it.each(["ONCE", "SKIP"] as const)(
    "that is a little late is launched for itself alone under %s",
    (missed) => {
      const decision = decideDue({ due: at(10), missed }, times, { now: at(69), startedAt: at(0) });
      expect(decision).toEqual({ kind: "LAUNCH", through: at(10) });
    },
  );

  it("that was missed is launched under ONCE, for all that passed up to now", () => {
    const decision = decideDue({ due: at(10), missed: "ONCE" }, times, { now: at(71), startedAt: at(0) });
    expect(decision).toEqual({ kind: "LAUNCH", through: at(71) });
  });

  it("that passed before this process began is launched under ONCE with all others up to now", () => {
    const decision = decideDue({ due: at(10), missed: "ONCE" }, times, { now: at(35), startedAt: at(30) });
    expect(decision).toEqual({ kind: "LAUNCH", through: at(35) });
  });

  it("that was missed is skipped under SKIP, but not those after it that are only a little late", () => {
    const decision = decideDue({ due: at(10), missed: "SKIP" }, times, { now: at(300), startedAt: at(0) });
    expect(decision).toEqual({ kind: "SKIP", nextRunAt: at(250) });
  });
});
