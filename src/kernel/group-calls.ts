import { AsyncLocalStorage } from "node:async_hooks";

/** The calls that wait for the group under way. */
interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** A function whose calls are done in groups. */
export interface GroupedCalls<Item, Result> {
  /** Resolves or rejects with its group. A call while no group is under way is done at once. */
  (item: Item): Promise<Result>;
  /** The number of calls that wait for the group under way. */
  readonly waiting: number;
}

/**
 * Does calls in groups, one group after the other: calls that come while a group is under way wait for it, and are done
 * together. So one call alone waits for nothing, and a thousand at once cost a few round trips.
 * @param options.maxItems the most items of a group
 * @param options.pauseMs the least time from the end of a group to the next one, which then is larger. Default: none
 * @param options.run does a group. Its results are in the order of the items; if it rejects, all of its calls do
 */
export function groupCalls<Item, Result>(options: {
  readonly maxItems: number;
  readonly pauseMs?: number;
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
}): GroupedCalls<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let isRunning = false;
  // A group is nobody's: it must not run in the asynchronous context of the caller that happened to start it.
  const outside = AsyncLocalStorage.snapshot();
  const runAll = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const group = waiting.splice(0, options.maxItems);
      try {
        const results = await options.run(group.map(({ item }) => item));
        group.forEach(({ resolve }, at) => resolve(results[at] as Result));
      } catch (error) {
        group.forEach(({ reject }) => reject(error));
      }
      if (options.pauseMs !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
      }
    }
    isRunning = false;
  };
  const call = (item: Item): Promise<Result> =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!isRunning) {
        void outside(runAll);
      }
    });
  return Object.defineProperty(call, "waiting", { get: () => waiting.length }) as GroupedCalls<Item, Result>;
}
