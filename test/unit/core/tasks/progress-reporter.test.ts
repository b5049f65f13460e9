import { describe, expect, it } from "vitest";
import type { Progress } from "../../../../src/core/tasks/progress.ts";
import { createProgressReporter } from "../../../../src/core/tasks/progress-reporter.ts";
import { createManualClock } from "../../../support/manual-clock.ts";

function setUp(options: { total?: number | null; intervalMs?: number; startSucceeded?: number } = {}) {
  const clock = createManualClock();
  const published: Progress[] = [];
  const reporter = createProgressReporter({
    clock,
    total: options.total === undefined ? 100 : options.total,
    start: { succeeded: options.startSucceeded ?? 0, failed: 0, skipped: 0 },
    intervalMs: options.intervalMs ?? 100,
    publish: (progress) => published.push(progress),
  });
  return { clock, published, reporter };
}

describe("progress reporter", () => {
  it("publishes the first report at once and folds the rest of the interval into one", () => {
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

  it("derives percent, rate and the time left from this attempt's own pace", () => {
    const { clock, published, reporter } = setUp({ startSucceeded: 50 });
    clock.advance(1000);
    reporter.report({ succeeded: 10 });
    expect(published[0]).toMatchObject({ processed: 60, percent: 60, recordsPerSecond: 10, etaMs: 4000 });
  });

  it("knows no percent without a total until the handler tells it", () => {
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

  it("refuses counts whose sum is more than can be kept", () => {
    const { reporter } = setUp();
    reporter.report({ succeeded: 2_147_483_647 });
    expect(() => reporter.report({ failed: 1 })).toThrow(TypeError);
    expect(reporter.current()).toMatchObject({ succeeded: 2_147_483_647, failed: 0 });
  });

  it("keeps of a message what can be kept", () => {
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
