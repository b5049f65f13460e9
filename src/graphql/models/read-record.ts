import type { GraphQLResolveInfo } from "graphql";
import { andFilters } from "../../core/access/access.ts";
import { filterKey } from "../../core/filters/operators.ts";
import type { Model } from "../../core/records/model.ts";
import { parseRecordKey } from "../../core/records/record-key.ts";
import { scopeFilter } from "../../core/filters/scope-filter.ts";
import type { GraphQLContext } from "../builder.ts";
import { toJsonValue } from "../../kernel/json.ts";
import type { LoadedRecord } from "../pagination/page.ts";
import type { ModelPorts } from "./model-schema.ts";
import { baseSelect } from "./record-keys.ts";
import type { PlannedPath, PlannedSelect } from "./pothos-dynamic.ts";
import { plannedSelect } from "./pothos-dynamic.ts";

/** The parts of a record that the document selects. */
export interface ReadPlan {
  readonly context: GraphQLContext;
  readonly info: GraphQLResolveInfo;
  /** The paths to the record below the resolved field. Default: the record is the field's own value. */
  readonly paths?: readonly PlannedPath[];
  /** Further columns to load. */
  readonly select?: PlannedSelect;
}

/** Whether the document selects more of the record than its key. */
export function isMoreThanKey(model: Model, { context, info, paths = [] }: ReadPlan): boolean {
  const planned = plannedSelect(context, info, { typeName: model.apiName, select: baseSelect(model), paths });
  return Object.keys(planned).length > model.key.length;
}

/**
 * Reads one record with everything that the document selects, including relations, within the viewer's scope.
 * @returns null if there is no such record that the viewer may see, or the id is not valid for the model
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
    typeName: model.apiName,
    select: { ...baseSelect(model), ...select },
    ...(paths === undefined ? {} : { paths }),
  });
  const parts = model.key.map((field) => [filterKey(field), { equals: toJsonValue(key.value[field.name]) }]);
  const where = andFilters(Object.fromEntries(parts), scopeFilter(ports, context.viewer, model, undefined));
  return ports.source(model.name).findFirst({
    where: ports.toClientWhere(model, where),
    select: planned,
  });
}
