import { expect, it } from "vitest";
import { giveWay, mapInTurns, MAX_ITEMS_PER_TURN, visitInTurns } from "../../../src/kernel/turns.ts";
import { watchedList } from "../../support/watched-list.ts";

const numbers = (length: number): number[] => Array.from({ length }, (_, at) => at);

it("maps a list in order, in turns of the event loop that are bounded, also those of two lists together", async () => {
  const [one, other] = [watchedList(numbers(45_000)), watchedList(numbers(25_000))];
  const [mapped, again] = await Promise.all([
    mapInTurns(one.list, (item, at) => item + at),
    mapInTurns(other.list, (item) => item),
  ]);
  expect(mapped).toEqual(numbers(45_000).map((number) => 2 * number));
  expect(again).toEqual(numbers(25_000));
  expect([one.most(), other.most()].every((most) => most <= MAX_ITEMS_PER_TURN)).toBe(true);
});

it("gives way when the items take their time", async () => {
  const { list, most } = watchedList(numbers(2_000));
  await visitInTurns(list, () => {
    const end = performance.now() + 0.1;
    while (performance.now() < end) {
      // Busy, as checking is.
    }
  });
  expect(most()).toBeLessThan(1_000);
});

it("ends a walk where the visitor wants it", async () => {
  const seen: number[] = [];
  await visitInTurns(numbers(10), (item) => seen.push(item) < 3);
  expect(seen).toEqual([0, 1, 2]);
});

it("gives way for some turns of the event loop, or for some time where they take longer", async () => {
  const turnsOf = async (maxMs: number, busyMs: number): Promise<number> => {
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      const end = performance.now() + busyMs;
      while (performance.now() < end) {
        // Busy, as requests are.
      }
      if (!isOver) {
        setImmediate(count);
      }
    };
    setImmediate(count);
    await new Promise<void>((resolve) => giveWay(maxMs, resolve));
    isOver = true;
    return turns;
  };
  expect(await turnsOf(60_000, 0)).toBeGreaterThan(2);
  expect(await turnsOf(1, 5)).toBe(1);
});
