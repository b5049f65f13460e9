import { describe, expect, it } from "vitest";
import { createRetry } from "../../../../../src/adapters/postgres/events/pg-listener.ts";
import { createSilentLogger } from "../../../../../src/kernel/logger.ts";
import { createManualClock } from "../../../../support/manual-clock.ts";
import type { ManualClock } from "../../../../support/manual-clock.ts";

/** Runs pending promise callbacks. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function passMs(clock: ManualClock, ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

describe("createRetry", () => {
  it("waits twice as long before each try, up to five seconds, and never gives up", async () => {
    const clock = createManualClock();
    const tries: number[] = [];
    const start = clock.now().getTime();
    const attempt = (): Promise<never> => {
      tries.push(clock.now().getTime() - start);
      return Promise.reject(new Error("down"));
    };
    const retry = createRetry({ clock, logger: createSilentLogger(), what: "it", attempt });
    retry.start();
    retry.start();
    for (let passed = 0; passed < 30_000; passed += 50) {
      await passMs(clock, 50);
    }
    const waits = tries.map((time, at) => time - (tries[at - 1] ?? 0));
    expect(waits.slice(0, 9)).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    retry.stop();
    await passMs(clock, 60_000);
    expect(tries).toHaveLength(waits.length);
  });

  it("begins with short waits again after a success", async () => {
    const clock = createManualClock();
    let tries = 0;
    let isUp = false;
    const attempt = async (): Promise<void> => {
      tries += 1;
      if (!isUp) {
        throw new Error("down");
      }
    };
    const retry = createRetry({ clock, logger: createSilentLogger(), what: "it", attempt });
    retry.start();
    await passMs(clock, 50);
    await passMs(clock, 100);
    isUp = true;
    await passMs(clock, 200);
    expect(tries).toBe(3);
    await passMs(clock, 60_000);
    expect(tries).toBe(3);
    retry.reset();
    retry.start();
    await passMs(clock, 50);
    expect(tries).toBe(4);
  });
});
