import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTaskFeed } from "../../../../src/core/events/task-feed.ts";
import type { CreateFeed, SlowReading } from "./feed-checks.ts";
import { everyEventOnce, readSlowly } from "./feed-checks.ts";
import { withFault } from "./with-fault.ts";

const RUNS = 2000;
const BOUNDED: SlowReading = {
  folded: ["CREATE", "START", "PROGRESS"],
  endedWith: "SUBSCRIBER_TOO_SLOW",
  received: 8,
};

it("every subscriber gets every later event of its tasks exactly once, in order, although messages are lost or doubled", async () => {
  const run = await fc.check(everyEventOnce(createTaskFeed), { numRuns: RUNS });
  expect(fc.defaultReportMessage(run)).toBeUndefined();
}, 60_000);

it("a slow subscriber has bounded memory: progress is folded, and one that falls behind ends, and can resume", async () => {
  expect(await readSlowly(createTaskFeed)).toEqual(BOUNDED);
});

describe("a planted fault shows:", () => {
  const feedWith = async (file: string, right: string, wrong: string): Promise<CreateFeed> => {
    const { createTaskFeed: create } = await withFault<{ createTaskFeed: CreateFeed }>(
      "core/events/task-feed.ts",
      { file: `core/events/${file}`, right, wrong },
    );
    return create;
  };

  it.each([
    [
      "a subscriber goes live without what came during its replay",
      "task-subscription.ts",
      "this.#isReplaying = !page.isLast || this.#offered > this.#read;",
      "this.#isReplaying = !page.isLast;",
    ],
    [
      "a subscriber is offered again what it has replayed",
      "task-subscription.ts",
      "entry.event.position <= this.#read",
      "entry.event.position < 0",
    ],
    [
      "a subscriber with a cursor begins with what comes next",
      "task-feed.ts",
      "position: after ?? reader.position,",
      "position: reader.position,",
    ],
  ])("%s", async (_what, file, right, wrong) => {
    // A fault that shows once in a thousand runs is not to be found by chance.
    const { failed } = await fc.check(everyEventOnce(await feedWith(file, right, wrong)), {
      numRuns: RUNS,
      seed: 9,
      endOnFailure: true,
    });
    expect(failed).toBe(true);
  });

  it.each([
    [
      "progress is not folded",
      "entries.set(entry.task.id, entry);",
      "entries.set(`${entry.task.id} ${entries.size}`, entry);",
      { ...BOUNDED, folded: [...BOUNDED.folded, ...Array.from({ length: 4 }, () => "PROGRESS")] },
    ],
    [
      "as many events wait as come",
      "entries.size - progressCount >= maxEvents",
      "false",
      { ...BOUNDED, endedWith: undefined },
    ],
    [
      "events are dropped without a word",
      "return false;",
      "return true;",
      { ...BOUNDED, endedWith: undefined, received: 5 },
    ],
  ])("%s", async (_what, right, wrong, reading) => {
    expect(await readSlowly(await feedWith("event-buffer.ts", right, wrong))).toEqual(reading);
  });
});
