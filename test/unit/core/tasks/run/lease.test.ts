import { describe, expect, it } from "vitest";
import { NO_COUNTS } from "../../../../../src/core/tasks/progress.ts";
import { keepLease } from "../../../../../src/core/tasks/run/lease.ts";
import { createProgressReporter } from "../../../../../src/core/tasks/run/progress-reporter.ts";
import type { HeartbeatResult } from "../../../../../src/core/tasks/task-attempts.ts";
import { createSilentLogger } from "../../../../../src/kernel/logger.ts";
import { createManualClock } from "../../../../support/manual-clock.ts";

const LEASE_MS = 30_000;

/** A lease with the second of each beat. The store answers a beat with `answer`. */
function setUp(answer: () => Promise<HeartbeatResult> = () => Promise.resolve(CURRENT)) {
  const clock = createManualClock();
  const start = clock.now().getTime();
  const beats: (readonly [second: number, processed: number | undefined])[] = [];
  const stored: (string | null)[] = [];
  const lease = keepLease(
    {
      clock,
      logger: createSilentLogger(),
      tasks: {
        heartbeat({ at, progress }) {
          beats.push([(at.getTime() - start) / 1000, progress?.processed]);
          return answer();
        },
      },
    },
    { taskId: "task", number: 1, leaseMs: LEASE_MS },
    () => reporter.current(),
    { stop: () => undefined, stored: ({ message }) => stored.push(message) },
  );
  const reporter = createProgressReporter({ clock, total: 100, start: NO_COUNTS, outlets: [lease.outlet] });
  return {
    beats,
    stored,
    move: (succeeded: number, message?: string) => reporter.report({ succeeded }, message),
    end() {
      void lease.end();
      reporter.stop();
    },
    /** Lets seconds pass, and their callbacks run. */
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        await new Promise(setImmediate);
        clock.advance(1000);
      }
    },
  };
}

const CURRENT: HeartbeatResult = { isCurrent: true, isCancelRequested: false, isPauseRequested: false };

describe("a lease", () => {
  it("is renewed after every third of it, and writes nothing in between without progress", async () => {
    const { beats, pass } = setUp();
    await pass(30);
    expect(beats).toEqual([
      [10, 0],
      [20, 0],
      [30, 0],
    ]);
  });

  it("stores new progress once, and at most once a second", async () => {
    const { beats, move, pass } = setUp();
    move(1);
    move(1);
    await pass(3);
    move(1);
    await pass(1);
    move(0, "nearly there");
    await pass(4);
    expect(beats).toEqual([
      [1, 2],
      [3, 3],
      [4, 3],
    ]);
  });

  it("stores nothing while it waits for an answer, and tries again after a failure", async () => {
    let fail = (_error: Error): void => undefined;
    const { beats, move, pass } = setUp(() => new Promise((_resolve, reject) => (fail = reject)));
    move(1);
    await pass(5);
    expect(beats).toEqual([[1, 1]]);
    fail(new Error("away"));
    await pass(1);
    expect(beats).toEqual([
      [1, 1],
      [5, 1],
    ]);
  });

  it("does not beat after its end", async () => {
    const { beats, move, end, pass } = setUp();
    move(1);
    end();
    move(1);
    await pass(40);
    expect(beats).toEqual([]);
  });

  it("tells of progress that is in the store now, once", async () => {
    const { stored, move, pass } = setUp();
    move(0, "waits");
    await pass(5);
    expect(stored).toEqual(["waits"]);
    await pass(30);
    expect(stored).toEqual(["waits"]);
    move(0, "goes on");
    await pass(5);
    expect(stored).toEqual(["waits", "goes on"]);
  });
});
