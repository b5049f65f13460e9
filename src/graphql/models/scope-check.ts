import type { ScopePorts } from "../../core/records/scoped-filter.ts";
import type { RecordReader } from "../../core/records/record-reader.ts";
import { createModelLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../context.ts";

/** Whether the viewer may see a record that was reached over a relation. */
export type CanSee = (context: GraphQLContext, model: string, id: string) => Promise<boolean>;

/**
 * The client filters lists by scope, but not single related records. These are checked with a look-up of their own, one
 * per model for all levels of a page.
 */
export function createScopeCheck(ports: ScopePorts & { readonly reader: RecordReader }): CanSee {
  const visible = createModelLoader(async ({ viewer }, model, ids) => {
    const found = await ports.reader.existingIds(model, ids, ports.access.scope(model, viewer));
    return new Map(found.map((id) => [id, true]));
  });
  return async (context, model, id) =>
    ports.access.scope(model, context.viewer) === undefined || (await visible(context, model, id)) === true;
}
