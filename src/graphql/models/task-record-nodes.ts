import { createContextCache } from "@pothos/core";
import type { GraphQLResolveInfo } from "graphql";
import type { Model } from "../../core/records/model.ts";
import { hasIds } from "../../core/records/model.ts";
import { parseRecordId } from "../../core/records/record-key.ts";
import type { LoadedRecord } from "../../core/records/record-lists.ts";
import type { BatchLoader } from "../batch-loader.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../builder.ts";
import type { ModelPorts, ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import type { PlanRoot } from "./plan-selection.ts";
import { readRecords } from "./read-record.ts";

/**
 * Adds `TaskRecord.record`: the record as it is now, so that the answer to a small bulk operation brings a client's cache up
 * to date.
 */
export function addTaskRecordNodes(schema: ModelSchema, types: TypeLookup): void {
  const { builder, refs, models, ports } = schema;
  const named = models.all().filter(hasIds);
  if (named.length === 0) {
    return;
  }
  /** The type of each record that was read. */
  const typeNames = new WeakMap<object, string>();
  const anyRecord = builder.unionType("AnyRecord", {
    description: "A record of any model.",
    types: named.map(({ name }) => types.object(name)) as never,
    resolveType: (record: unknown) => typeNames.get(record as object),
  });
  const readTogether = createRecordBatches(ports);
  builder.objectField(refs.taskRecord, "record", (t) =>
    t.field({
      type: anyRecord,
      nullable: true,
      description:
        "It as it is now; null where it is not there, or not for the caller to see. Read in one look-up for the whole page.",
      async resolve({ id, model: name }, _args, context, info) {
        const model = named.find((each) => each.name === name);
        const record = model === undefined ? null : await readTogether(model, id, { context, info });
        if (model !== undefined && record !== null) {
          typeNames.set(record, model.apiName);
        }
        return record as never;
      },
    }),
  );
}

/** Reads the records that one field of the document asks for in the same turn by one look-up per model. */
function createRecordBatches(
  ports: ModelPorts,
): (model: Model, id: string, root: PlanRoot) => Promise<LoadedRecord | null> {
  const loadersOf = createContextCache(
    (_context: GraphQLContext) => new Map<string, BatchLoader<LoadedRecord>>(),
  );
  return async (model, id, root) => {
    // A record that was not written may have a name in the place of its id.
    const parsed = parseRecordId(model, id);
    if ("problems" in parsed) {
      return null;
    }
    const loaders = loadersOf(root.context);
    const key = `${model.name} ${placeOf(root.info)}`;
    const load =
      loaders.get(key) ?? createBatchLoader((_context, ids) => readRecords(ports, model, ids, root));
    loaders.set(key, load);
    return (await load(root.context, parsed.value)) ?? null;
  };
}

/** The field's place in the answer, the same for all items of a list. */
function placeOf({ path }: GraphQLResolveInfo): string {
  const names: (string | number)[] = [];
  for (let step: GraphQLResolveInfo["path"] | undefined = path; step !== undefined; step = step.prev) {
    names.push(step.key);
  }
  return names.filter((name) => typeof name === "string").join(".");
}
