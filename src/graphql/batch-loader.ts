import { createContextCache } from "@pothos/core";
import DataLoader from "dataloader";
import type { GraphQLContext } from "./builder.ts";

/** Looks up the value of a key. All keys of one operation within one turn of the event loop share one look-up. */
export type BatchLoader<Value> = (context: GraphQLContext, key: string) => Promise<Value | undefined>;

/**
 * @param read returns the values of different keys, without those that have none
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
          // Nothing is cached: the events of a subscription share a context, and so do a document's mutations.
          cache: false,
          // Resolvers of one page run in several microtasks, but all within one turn.
          batchScheduleFn: (run) => void setImmediate(run),
        },
      ),
  );
  return (context, key) => loaders(context).load(key);
}

/** The same for keys of a model: one look-up per model. */
export type ModelLoader<Value> = (
  context: GraphQLContext,
  model: string,
  key: string,
) => Promise<Value | undefined>;

/** @param read as for {@link createBatchLoader}, for keys of one model */
export function createModelLoader<Value>(
  read: (
    context: GraphQLContext,
    model: string,
    keys: readonly string[],
  ) => Promise<ReadonlyMap<string, Value>>,
): ModelLoader<Value> {
  const loaders = new Map<string, BatchLoader<Value>>();
  return (context, model, key) => {
    const loader = loaders.get(model) ?? createBatchLoader((given, keys) => read(given, model, keys));
    loaders.set(model, loader);
    return loader(context, key);
  };
}
