import { describe, expect, it } from "vitest";
import { createFollowedClock } from "../../../src/kernel/clock.ts";
import { createManualClock } from "../../support/manual-clock.ts";

describe("a clock that follows another", () => {
  /** The other clock is so far ahead; asking it takes so long, the same there and back. */
  function follow({ aheadMs = 0, roundTripMs = 0 }) {
    const base = createManualClock();
    const other = { aheadMs, roundTripMs };
    const clock = createFollowedClock(base, async () => {
      base.advance(other.roundTripMs / 2);
      const answer = new Date(base.now().getTime() + other.aheadMs);
      base.advance(other.roundTripMs / 2);
      return answer;
    });
    return { base, clock, other, ahead: () => clock.now().getTime() - base.now().getTime() };
  }

  it.each([3_600_000, -600_000, 1])(
    "shows its time, %i ms ahead, and goes on from there",
    async (aheadMs) => {
      const { base, clock, ahead } = follow({ aheadMs });
      expect(ahead()).toBe(0);
      await clock.follow();
      expect(ahead()).toBe(aheadMs);
      base.advance(5000);
      expect(ahead()).toBe(aheadMs);
    },
  );

  it("takes off half of the round trip, and ignores a smaller difference", async () => {
    const { clock, other, ahead } = follow({ aheadMs: 60_000, roundTripMs: 200 });
    await clock.follow();
    expect(ahead()).toBe(60_000);
    other.aheadMs = 60_090;
    await clock.follow();
    expect(ahead()).toBe(60_000);
    other.aheadMs = 60_110;
    await clock.follow();
    expect(ahead()).toBe(60_110);
  });

  it("goes on as before if the other clock cannot be asked", async () => {
    const base = createManualClock();
    let isThere = true;
    const clock = createFollowedClock(base, async () => {
      if (!isThere) {
        throw new Error("away");
      }
      return new Date(base.now().getTime() + 1000);
    });
    await clock.follow();
    isThere = false;
    await expect(clock.follow()).rejects.toThrow("away");
    expect(clock.now().getTime() - base.now().getTime()).toBe(1000);
  });
});
