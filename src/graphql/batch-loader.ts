import { createContextCache } from "@pothos/core";
import DataLoader from "dataloader";
import type { GraphQLContext } from "./context.ts";

/** Answers questions about keys, those of the same operation and turn in one look-up. */
export type BatchLoader<Value> = (context: GraphQLContext, key: string) => Promise<Value | undefined>;

/**
 * @param read the values of different keys; those without one are left out
 */
export function createBatchLoader<Value>(
  read: (context: GraphQLContext, keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): BatchLoader<Value> {
  const loaders = createContextCache(
    (context: GraphQLContext) =>
      new DataLoader<string, Value | undefined>(
        async (keys) => {
          const values = await read(context, [...new Set(keys)]);
          return keys.map((key) => values.get(key));
        },
        {
          // Nothing is remembered: all events of a subscription share a context, and so do a document's mutations.
          cache: false,
          // A page's records may come in several microtasks; all are there by the end of the turn.
          batchScheduleFn: (run) => void setImmediate(run),
        },
      ),
  );
  return (context, key) => loaders(context).load(key);
}
