import { createContextCache } from "@pothos/core";
import type { GraphQLResolveInfo } from "graphql";
import { andFilters } from "../../core/access/access.ts";
import { keysFilter } from "../../core/filters/keys-filter.ts";
import { scopeFilter } from "../../core/filters/scope-filter.ts";
import type { Model } from "../../core/records/model.ts";
import { hasIds } from "../../core/records/model.ts";
import { formatRecordKey, parseRecordId } from "../../core/records/record-key.ts";
import type { LoadedRecord } from "../../core/records/record-lists.ts";
import type { GraphQLContext } from "../builder.ts";
import type { ModelPorts, ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import type { PlanRoot } from "./plan-selection.ts";
import { planSelection } from "./plan-selection.ts";

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

/** Records that one field of the document asks for, and that are read in the same turn. */
interface Batch {
  readonly ids: Set<string>;
  readonly records: Promise<ReadonlyMap<string, LoadedRecord>>;
}

function createRecordBatches(
  ports: ModelPorts,
): (model: Model, id: string, root: PlanRoot) => Promise<LoadedRecord | null> {
  const batchesOf = createContextCache((_context: GraphQLContext) => new Map<string, Batch>());
  return async (model, id, root) => {
    // A record that was not written may have a name in the place of its id.
    const parsed = parseRecordId(model, id);
    if ("problems" in parsed) {
      return null;
    }
    const batches = batchesOf(root.context);
    const key = `${model.name} ${placeOf(root.info)}`;
    const batch = batches.get(key) ?? openBatch(ports, model, root, () => batches.delete(key));
    batches.set(key, batch);
    batch.ids.add(parsed.value);
    return (await batch.records).get(parsed.value) ?? null;
  };
}

function openBatch(ports: ModelPorts, model: Model, root: PlanRoot, close: () => void): Batch {
  const ids = new Set<string>();
  const records = new Promise<void>((resolve) => void setImmediate(resolve)).then(() => {
    close();
    return readRecords(ports, model, [...ids], root);
  });
  return { ids, records };
}

/** The field's place in the answer, the same for all items of a list. */
function placeOf({ path }: GraphQLResolveInfo): string {
  const names: (string | number)[] = [];
  for (let step: GraphQLResolveInfo["path"] | undefined = path; step !== undefined; step = step.prev) {
    names.push(step.key);
  }
  return names.filter((name) => typeof name === "string").join(".");
}

/** The records with these ids that the viewer may see, with all that the document selects, by id. */
async function readRecords(
  ports: ModelPorts,
  model: Model,
  ids: readonly string[],
  root: PlanRoot,
): Promise<ReadonlyMap<string, LoadedRecord>> {
  const scope = scopeFilter(ports, root.context.viewer, model, undefined);
  const where = andFilters(keysFilter(model, ids), scope);
  const part = { terms: [], where, isBackward: false, limit: ids.length };
  const selection = planSelection(ports, model, root, {});
  const { records } = await ports.lists.read(model.name, { page: { part, hasPlaces: false, selection } });
  return new Map(records.map((record) => [formatRecordKey(model, record), record]));
}
