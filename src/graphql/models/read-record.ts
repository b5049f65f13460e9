import { andFilters } from "../../core/access/access.ts";
import type { WhereFilter } from "../../core/access/access.ts";
import { keysFilter } from "../../core/filters/keys-filter.ts";
import { filterKey } from "../../core/filters/operators.ts";
import type { Model } from "../../core/records/model.ts";
import { formatRecordKey, recordKeyOf } from "../../core/records/record-key.ts";
import type { ParsedName, RecordName } from "../../core/records/record-name.ts";
import { parseRecordName } from "../../core/records/record-name.ts";
import { scopeFilter } from "../../core/filters/scope-filter.ts";
import { toJsonValue } from "../../kernel/json.ts";
import type { LoadedRecord } from "../../core/records/record-lists.ts";
import type { ModelPorts } from "./model-schema.ts";
import { baseSelect } from "./record-keys.ts";
import type { PlannedPath, PlannedSelect } from "./pothos-dynamic.ts";
import { plannedSelect } from "./pothos-dynamic.ts";
import type { PlanRoot } from "./plan-selection.ts";
import { planSelection } from "./plan-selection.ts";

/** The parts of a record that the document selects. */
export interface ReadPlan extends PlanRoot {
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

/** Reads the record that the caller names. @returns null also for a name that is malformed */
export async function readNamed(
  ports: ModelPorts,
  model: Model,
  given: RecordName,
  plan: ReadPlan,
): Promise<LoadedRecord | null> {
  const name = parseRecordName(model, ports.models.enums(), given);
  return "problems" in name ? null : readRecord(ports, model, name.value, plan);
}

/**
 * Reads one record with everything that the document selects, including relations, within the viewer's scope.
 * @returns null if there is no such record that the viewer may see
 */
export async function readRecord(
  ports: ModelPorts,
  model: Model,
  name: ParsedName,
  plan: ReadPlan,
): Promise<LoadedRecord | null> {
  const key = name.kind === "ID" ? recordKeyOf(model, name.id) : name.values;
  const fields = name.kind === "ID" ? model.key : name.unique.fields;
  const parts = fields.map((field) => [filterKey(field), { equals: toJsonValue(key[field.name]) }]);
  const [record = null] = await readMatching(ports, model, Object.fromEntries(parts), 1, plan);
  return record;
}

/** The same for the records with these ids, by id, in one look-up. */
export async function readRecords(
  ports: ModelPorts,
  model: Model,
  ids: readonly string[],
  plan: ReadPlan,
): Promise<ReadonlyMap<string, LoadedRecord>> {
  const records = await readMatching(ports, model, keysFilter(model, ids), ids.length, plan);
  return new Map(records.map((record) => [formatRecordKey(model, record), record]));
}

async function readMatching(
  ports: ModelPorts,
  model: Model,
  filter: WhereFilter,
  limit: number,
  plan: ReadPlan,
): Promise<readonly LoadedRecord[]> {
  const where = andFilters(filter, scopeFilter(ports, plan.context.viewer, model, undefined));
  const part = { terms: [], where, isBackward: false, limit };
  const selection = planSelection(ports, model, plan, plan);
  const reading = { page: { part, hasPlaces: false, selection } };
  const { records } = await ports.lists.read(model.name, reading, plan.context.client?.signal);
  return records;
}
