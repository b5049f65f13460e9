import { preparedOf } from "./prepared-result.ts";
import type { Push } from "./share-events.ts";

/** Sends a result of one operation, as JSON. @returns a promise where the client has to catch up first */
export type SendNext = (json: Buffer) => Promise<void> | undefined;

/**
 * Sends the results of a subscription by itself, so that the JSON that several sockets share is not made again. What is left
 * for the protocol is the results that nobody prepared, and the end.
 * @param push brings the results, where they need not be read from the iterator
 */
export function deliverPrepared<Result extends object>(
  results: AsyncIterable<Result>,
  sendNext: SendNext,
  push?: Push,
): AsyncIterableIterator<Result, undefined> {
  const source = results[Symbol.asyncIterator]();
  const end = { done: true, value: undefined } as const;
  const state = { hasLeft: false, hasBegun: false };
  const begin = (): void => {
    state.hasBegun = true;
    push?.(({ json }) => (state.hasLeft ? undefined : sendNext(json)));
  };
  const rest: AsyncIterableIterator<Result, undefined> = {
    async next() {
      if (!state.hasBegun) {
        begin();
      }
      while (!state.hasLeft) {
        const step = await source.next();
        if (step.done === true) {
          return end;
        }
        const prepared = preparedOf(step.value);
        if (prepared === undefined) {
          return { done: false, value: step.value };
        }
        if (!state.hasLeft) {
          await sendNext(prepared.json);
        }
      }
      return end;
    },
    async return() {
      state.hasLeft = true;
      await source.return?.();
      return end;
    },
    async throw(error: unknown) {
      await rest.return?.();
      throw error;
    },
    [Symbol.asyncIterator]: () => rest,
  };
  return rest;
}
