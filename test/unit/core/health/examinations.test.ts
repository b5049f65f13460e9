import { describe, expect, it } from "vitest";
import { createMemoryEventBus } from "../../../support/memory/memory-event-bus.ts";
import type { EventBus } from "../../../../src/core/events/event-bus.ts";
import { examineBus } from "../../../../src/core/health/examinations.ts";
import { runExaminations } from "../../../../src/core/health/health-check.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import { createManualClock } from "../../../support/manual-clock.ts";

const logger = createSilentLogger();
const clock = createManualClock();
const WELL = { status: "OK", message: "A message came back." };

describe("examineBus", () => {
  it("is OK once its own message came back, also while others examine the bus", async () => {
    const bus = createMemoryEventBus({ logger });
    const examination = examineBus(bus, clock);
    const never = new AbortController().signal;
    const findings = await Promise.all([examination.examine(never), examination.examine(never)]);
    expect(findings).toEqual([WELL, WELL]);
  });

  it("reports a bus that swallows messages, and leaves no subscription", async () => {
    let open = 0;
    let published = (): void => undefined;
    const isPublished = new Promise<void>((resolve) => (published = resolve));
    const dumb: EventBus = {
      publish: async () => published(),
      async subscribe() {
        open += 1;
        return async () => void (open -= 1);
      },
      close: async () => undefined,
    };
    const run = runExaminations({ clock, logger }, [examineBus(dumb, clock)], 500);
    await isPublished;
    expect(open).toBe(1);
    clock.advance(500);
    expect(await run).toMatchObject([{ status: "FAILED", message: "There was no answer within 500 ms." }]);
    expect(open).toBe(0);
  });
});
