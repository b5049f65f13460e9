import { expect, it } from "vitest";
import { createFailureLog, createSilentLogger } from "../../../src/kernel/logger.ts";
import { createPasses } from "../../../src/kernel/passes.ts";
import { createManualClock } from "../../support/manual-clock.ts";

/** Passes that the test ends one by one. */
function open() {
  const clock = createManualClock();
  const ends: ((error?: Error) => void)[] = [];
  const passes = createPasses({
    pass: () => new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve()))),
    failures: createFailureLog(createSilentLogger(), "a pass"),
    clock,
    retryMs: 1000,
  });
  const finish = async (at: number, error?: Error): Promise<void> => {
    ends[at]?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, passes, begun: () => ends.length, finish };
}

it("passes never overlap, and one more follows however often it was asked for meanwhile", async () => {
  const { passes, begun, finish } = open();
  passes.ask();
  passes.ask();
  passes.ask();
  expect([begun(), passes.isUnderWay, passes.isAsked]).toEqual([1, true, true]);
  await finish(0);
  expect([begun(), passes.isUnderWay, passes.isAsked]).toEqual([2, true, false]);
  await finish(1);
  expect([begun(), passes.isUnderWay]).toEqual([2, false]);
});

it("a pass that failed is followed by one after the delay, or at once when it is asked for", async () => {
  const { clock, passes, begun, finish } = open();
  passes.ask();
  await finish(0, new Error("lost"));
  clock.advance(999);
  expect(begun()).toBe(1);
  clock.advance(1);
  expect(begun()).toBe(2);
  await finish(1, new Error("lost"));
  passes.ask();
  expect(begun()).toBe(3);
  await finish(2);
  clock.advance(5000);
  expect(begun()).toBe(3);
});

it("an end waits for the pass under way, and none follows", async () => {
  const { clock, passes, begun, finish } = open();
  passes.ask();
  passes.ask();
  let isOver = false;
  const ended = passes.end().then(() => (isOver = true));
  await Promise.resolve();
  expect(isOver).toBe(false);
  await finish(0, new Error("lost"));
  await ended;
  passes.ask();
  clock.advance(5000);
  expect(begun()).toBe(1);
});
