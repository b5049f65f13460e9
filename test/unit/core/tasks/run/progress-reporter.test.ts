import { describe, expect, it } from "vitest";
import type { Progress } from "../../../../../src/core/tasks/progress.ts";
import type { ProgressOutlet } from "../../../../../src/core/tasks/run/progress-reporter.ts";
import { createProgressReporter } from "../../../../../src/core/tasks/run/progress-reporter.ts";
import { createManualClock } from "../../../../support/manual-clock.ts";

function setUp(
  options: {
    total?: number | null;
    intervalMs?: number;
    startSucceeded?: number;
    outlets?: ProgressOutlet[];
  } = {},
) {
  const clock = createManualClock();
  const published: Progress[] = [];
  const reporter = createProgressReporter({
    clock,
    total: options.total === undefined ? 100 : options.total,
    start: { succeeded: options.startSucceeded ?? 0, failed: 0, skipped: 0 },
    outlets: [
      { intervalMs: options.intervalMs ?? 100, send: (progress) => void published.push(progress) },
      ...(options.outlets ?? []),
    ],
  });
  return { clock, published, reporter };
}

describe("progress reporter", () => {
  it("publishes the first report at once, and the rest of the interval together", () => {
    const { clock, published, reporter } = setUp();
    reporter.report({ succeeded: 1 });
    reporter.report({ succeeded: 1 });
    reporter.report({ failed: 1 });
    expect(published.map((progress) => progress.processed)).toEqual([1]);
    clock.advance(100);
    expect(published.map((progress) => progress.processed)).toEqual([1, 3]);
    clock.advance(1000);
    expect(published).toHaveLength(2);
  });

  it("sends to each outlet at its own pace, and to a patient one only after its first interval", () => {
    const stored: number[] = [];
    const send = ({ processed }: Progress): void => void stored.push(processed);
    const { clock, published, reporter } = setUp({ outlets: [{ intervalMs: 1000, isPatient: true, send }] });
    for (let tenth = 0; tenth < 25; tenth += 1) {
      reporter.report({ succeeded: 1 });
      clock.advance(100);
    }
    expect(stored).toEqual([10, 20]);
    expect(published).toHaveLength(25);
    clock.advance(1000);
    expect(stored).toEqual([10, 20, 25]);
  });

  it("sends nothing to an outlet while it is busy, and sends again after a failure", async () => {
    const sent: number[] = [];
    let answer = (_isDone: boolean): void => undefined;
    const send = ({ processed }: Progress): Promise<boolean> => {
      sent.push(processed);
      return new Promise((resolve) => (answer = resolve));
    };
    const { clock, reporter } = setUp({ outlets: [{ intervalMs: 1000, send }] });
    reporter.report({ succeeded: 1 });
    reporter.report({ succeeded: 1 });
    clock.advance(5000);
    expect(sent).toEqual([1]);
    answer(true);
    await new Promise(setImmediate);
    expect(sent).toEqual([1, 2]);
    answer(false);
    await new Promise(setImmediate);
    expect(sent).toEqual([1, 2]);
    clock.advance(1000);
    expect(sent).toEqual([1, 2, 2]);
  });

  it("derives percent, rate and the time left from this attempt's own pace", () => {
    const { clock, published, reporter } = setUp({ startSucceeded: 50 });
    clock.advance(1000);
    reporter.report({ succeeded: 10 });
    expect(published[0]).toMatchObject({ processed: 60, percent: 60, recordsPerSecond: 10, etaMs: 4000 });
  });

  it("has no percentage until the handler sets a total", () => {
    const { clock, published, reporter } = setUp({ total: null });
    reporter.report({ succeeded: 5 });
    expect(published[0]).toMatchObject({ total: null, percent: null, etaMs: null });
    reporter.setTotal(10);
    clock.advance(100);
    expect(published[1]).toMatchObject({ total: 10, percent: 50 });
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 3e9, "2" as never, 1n as never])(
    "refuses %s for a count and for the total, and adds nothing",
    (count) => {
      const { reporter, published } = setUp();
      expect(() => reporter.report({ succeeded: 1, failed: count })).toThrow(TypeError);
      expect(() => reporter.setTotal(count)).toThrow(TypeError);
      expect(reporter.current()).toMatchObject({ succeeded: 0, failed: 0, total: 100 });
      expect(published).toEqual([]);
    },
  );

  it("refuses counts whose sum is too large for the store", () => {
    const { reporter } = setUp();
    reporter.report({ succeeded: 2_147_483_647 });
    expect(() => reporter.report({ failed: 1 })).toThrow(TypeError);
    expect(reporter.current()).toMatchObject({ succeeded: 2_147_483_647, failed: 0 });
  });

  it("replaces characters of a message that the store cannot keep", () => {
    const { reporter } = setUp();
    reporter.report({ succeeded: 1 }, "a\u0000b\uD800");
    expect(reporter.current().message).toBe("a\uFFFDb\uFFFD");
  });

  it("keeps the last message and publishes nothing after its stop", () => {
    const { clock, published, reporter } = setUp();
    reporter.report({ succeeded: 1 }, "half-way");
    reporter.report({ succeeded: 1 });
    expect(reporter.current().message).toBe("half-way");
    reporter.stop();
    clock.advance(1000);
    reporter.report({ succeeded: 1 });
    expect(published).toHaveLength(1);
  });
});
