import { preparedOf } from "./prepared-result.ts";

/** Sends the result, as JSON, of an operation on one WebSocket. @returns a promise where the client has to catch up first */
export type SendNext = (operationId: string, json: Buffer) => Promise<void> | undefined;

/**
 * Sends the results of a subscription by itself, so that the JSON that several sockets share is not made again. What is left
 * for the protocol is the results that nobody prepared, and the end.
 */
export function deliverPrepared<Result extends object>(
  results: AsyncIterable<Result>,
  operationId: string,
  sendNext: SendNext,
): AsyncIterableIterator<Result, undefined> {
  const source = results[Symbol.asyncIterator]();
  const end = { done: true, value: undefined } as const;
  const state = { hasLeft: false };
  const rest: AsyncIterableIterator<Result, undefined> = {
    async next() {
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
          await sendNext(operationId, prepared.json);
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
