import { describe, expect, it } from "vitest";
import type { SendOutcome } from "../../../../src/core/notifications/notifier.ts";
import type { OutboxRow, TryResult } from "../../../../src/core/notifications/outbox.ts";
import { delayAfter, sendNotification } from "../../../../src/core/notifications/send-notification.ts";
import type { Task } from "../../../../src/core/tasks/task.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import { createManualClock } from "../../../support/manual-clock.ts";

const MAX_TRIES = 13;
const HOUR = 3_600_000;
const task = {
  id: "t",
  status: "FAILED",
  label: "x",
  message: null,
  progress: { total: null, processed: 0 },
};

/** Tries one notification over and over, each time when it is due. */
function createTries(send: (tries: number, signal: AbortSignal) => Promise<SendOutcome>) {
  const clock = createManualClock();
  const row = {
    id: "n",
    taskId: "t",
    channel: "WEBHOOK",
    target: "u",
    createdAt: clock.now(),
    lastError: null,
  };
  let tries = 0;
  const results: TryResult[] = [];
  return {
    clock,
    results,
    async next(stopped = new AbortController().signal) {
      tries += 1;
      await sendNotification(
        {
          outbox: { conclude: async (_row, result) => void results.push(result) },
          notifiers: { WEBHOOK: { send: (_it, signal) => send(tries, signal), close: () => undefined } },
          clock,
          logger: createSilentLogger(),
          statusPageOf: () => null,
        },
        { timeoutMs: 1000, maxTries: MAX_TRIES, random: () => 0.5 },
        { row: { ...row, tries } as OutboxRow, task: task as unknown as Task },
        stopped,
      );
      const result = results.at(-1);
      if (result?.kind === "POSTPONED") {
        clock.advance(result.until.getTime() - clock.now().getTime());
      }
      return result;
    },
  };
}

describe("a notification", () => {
  it("that always fails is tried for some eleven hours, at growing intervals, and is dead then", async () => {
    const { next, clock, results } = createTries(() => Promise.reject(new Error("no")));
    const begin = clock.now().getTime();
    while ((await next())?.kind === "POSTPONED") {
      // The next try.
    }
    expect(results).toHaveLength(MAX_TRIES);
    expect(results.at(-1)).toEqual({ kind: "DEAD", error: "no" });
    const hours = (clock.now().getTime() - begin) / HOUR;
    expect(hours).toBeGreaterThan(11);
    expect(hours).toBeLessThan(12);
  });

  it("that is refused for good is dead at once", async () => {
    const { next } = createTries(async () => ({ kind: "REFUSED", error: "gone" }));
    expect(await next()).toEqual({ kind: "DEAD", error: "gone" });
  });

  it("is tried later where the receiver wants it, within bounds", async () => {
    const waits = [60_000, 1, 100 * HOUR];
    const { next, clock, results } = createTries(async (tries) => ({
      kind: "FAILED",
      error: "busy",
      waitMs: waits[tries - 1] ?? 0,
    }));
    const delays: number[] = [];
    for (const _wait of waits) {
      const before = clock.now().getTime();
      await next();
      delays.push(clock.now().getTime() - before);
    }
    expect(delays).toEqual([60_000, 20_000, 6 * HOUR]);
    expect(results[0]).toMatchObject({ error: "busy" });
  });

  it("that takes too long counts as failed, even if nothing heeds the signal", async () => {
    const { next, clock } = createTries(() => new Promise(() => undefined));
    const trying = next();
    clock.advance(1000);
    expect(await trying).toMatchObject({ kind: "POSTPONED", error: "There was no answer within 1000 ms." });
  });

  it("whose process stops is left to another at once", async () => {
    const { next, clock } = createTries(() => new Promise(() => undefined));
    const stopped = new AbortController();
    const trying = next(stopped.signal);
    const now = clock.now();
    stopped.abort(new Error("The process that sent it was stopped."));
    expect(await trying).toEqual({
      kind: "POSTPONED",
      until: now,
      error: "The process that sent it was stopped.",
    });
  });

  it("keeps an error that can be stored", async () => {
    const { next } = createTries(async () => ({ kind: "FAILED", error: `\u0000${"😀".repeat(400)}` }));
    const result = await next();
    const error = result?.kind === "POSTPONED" ? result.error : "";
    expect(error).toMatch(/^\uFFFD(😀)+$/u);
    expect(error.length).toBeLessThanOrEqual(500);
  });
});

it("delays double, and are spread by a fifth", () => {
  expect([1, 2, 3, 30].map((tries) => delayAfter(tries, () => 0.5))).toEqual([
    10_000,
    20_000,
    40_000,
    6 * HOUR,
  ]);
  expect([0, 1].map((random) => delayAfter(1, () => random))).toEqual([8000, 12_000]);
});
