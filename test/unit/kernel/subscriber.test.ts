import { expect, it } from "vitest";
import { Subscriber } from "../../../src/kernel/subscriber.ts";

class Numbers extends Subscriber<number> {
  #waiting: number[] = [];

  offer(number: number): void {
    this.#waiting.push(number);
    this.handOut();
  }

  protected override take(): number | undefined {
    return this.#waiting.shift();
  }

  protected override drop(): void {
    this.#waiting = [];
  }
}

/** A promise, with what resolves it. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => void (open = resolve));
  return { passed, open };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("hands out to a sink at once, and only the end to those who read", async () => {
  const numbers = new Numbers();
  const taken: number[] = [];
  numbers.offer(1);
  numbers.pushTo((number) => void taken.push(number));
  expect(taken).toEqual([1]);
  const end = numbers.next();
  numbers.offer(2);
  expect(taken).toEqual([1, 2]);
  numbers.end();
  expect(await end).toEqual({ done: true, value: undefined });
  expect(await numbers.next()).toEqual({ done: true, value: undefined });
});

it("waits for a sink that has not done with an item: with the next ones, and with a failure", async () => {
  const numbers = new Numbers();
  const taken: number[] = [];
  const gates = [gate(), gate()];
  numbers.pushTo((number) => {
    taken.push(number);
    return gates[number]?.passed;
  });
  const end = numbers.next();
  let hasEnded = false;
  const failure = end.catch((error: unknown) => {
    hasEnded = true;
    return error;
  });
  numbers.offer(0);
  numbers.offer(1);
  await turn();
  expect(taken).toEqual([0]);
  gates[0]?.open();
  await turn();
  expect(taken).toEqual([0, 1]);
  numbers.fail(new Error("too slow"));
  await turn();
  expect(hasEnded).toBe(false);
  gates[1]?.open();
  expect(await failure).toEqual(new Error("too slow"));
});

it("ends at once when the reader leaves, whatever the sink waits for", async () => {
  const numbers = new Numbers();
  const taken: number[] = [];
  numbers.pushTo((number) => {
    taken.push(number);
    return gate().passed;
  });
  const end = numbers.next();
  numbers.offer(0);
  await numbers.return();
  expect(await end).toEqual({ done: true, value: undefined });
  numbers.offer(1);
  expect(taken).toEqual([0]);
});

it.each([
  [
    "throws",
    () => {
      throw new Error("broken");
    },
  ],
  ["rejects", () => Promise.reject(new Error("broken"))],
])("fails with a sink that %s", async (_how, sink) => {
  const numbers = new Numbers();
  numbers.pushTo(sink);
  const end = numbers.next();
  numbers.offer(0);
  await expect(end).rejects.toThrow("broken");
});
