import { createContextCache } from "@pothos/core";
import type { Model } from "../../core/records/model.ts";
import type { GraphQLContext } from "../context.ts";
import type { ModelPorts } from "./model-schema.ts";

/** Tells whether the viewer may see a record that was reached over a relation. */
export type ScopeCheck = (context: GraphQLContext, id: string) => Promise<boolean>;

/** The questions of one tick, asked together. */
interface Batch {
  readonly ids: Set<string>;
  readonly visible: Promise<ReadonlySet<string>>;
}

/** The client filters lists but not single related records, so these are checked apart: one query for a whole level. */
export function createScopeCheck(ports: ModelPorts, model: Model): ScopeCheck {
  const batches = createContextCache((): { open: Batch | undefined } => ({ open: undefined }));
  return async (context, id) => {
    const scope = ports.access.scope(model.name, context.viewer);
    if (scope === undefined) {
      return true;
    }
    const state = batches(context);
    state.open ??= openBatch(async (ids) => {
      state.open = undefined;
      return new Set(await ports.reader.existingIds(model.name, [...ids], scope));
    });
    state.open.ids.add(id);
    return (await state.open.visible).has(id);
  };
}

/** Resolvers of one level run in one go, before any microtask. */
function openBatch(ask: (ids: ReadonlySet<string>) => Promise<ReadonlySet<string>>): Batch {
  const ids = new Set<string>();
  return { ids, visible: Promise.resolve().then(() => ask(ids)) };
}
