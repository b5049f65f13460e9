import type { GraphQLResolveInfo } from "graphql";
import { andFilters } from "../../core/access/access.ts";
import type { Model } from "../../core/records/model.ts";
import { parseRecordKey } from "../../core/records/record-key.ts";
import { scopeFilter } from "../../core/filters/scope-filter.ts";
import type { GraphQLContext } from "../builder.ts";
import { toJsonValue } from "../../kernel/json.ts";
import type { LoadedRecord } from "../pagination/page.ts";
import type { ModelPorts } from "./model-schema.ts";
import { keySelect } from "./object-type.ts";
import type { PlannedPath, PlannedSelect } from "./pothos-dynamic.ts";
import { plannedSelect } from "./pothos-dynamic.ts";

/** Which parts of a record the document asks for. */
export interface ReadPlan {
  readonly context: GraphQLContext;
  readonly info: GraphQLResolveInfo;
  /** Where the record stands below the field that is being resolved. Left out: it is the field's own value. */
  readonly paths?: readonly PlannedPath[];
  /** Columns that are needed besides. */
  readonly select?: PlannedSelect;
}

/** Whether the document asks for more of the record than its id. */
export function isMoreThanKey(model: Model, { context, info, paths = [] }: ReadPlan): boolean {
  const planned = plannedSelect(context, info, { typeName: model.name, select: keySelect(model), paths });
  return Object.keys(planned).length > model.key.length;
}

/**
 * Reads one record in the shape that the document asks for, relations and all, within the viewer's scope.
 * @returns null if there is none that the viewer may see, or the id is none of the model
 */
export async function readRecord(
  ports: ModelPorts,
  model: Model,
  id: string,
  { context, info, paths, select = {} }: ReadPlan,
): Promise<LoadedRecord | null> {
  const key = parseRecordKey(model, id);
  if ("problems" in key) {
    return null;
  }
  const planned = plannedSelect(context, info, {
    typeName: model.name,
    select: { ...keySelect(model), ...select },
    ...(paths === undefined ? {} : { paths }),
  });
  const parts = Object.entries(key.value).map(([name, value]) => [name, { equals: toJsonValue(value) }]);
  const where = andFilters(Object.fromEntries(parts), scopeFilter(ports, context.viewer, model, undefined));
  return ports.source(model.name).findFirst({
    where: ports.toClientWhere(model, where),
    select: planned,
  });
}
