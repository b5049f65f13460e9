import { andFilters } from "../../core/access/access.ts";
import { keysFilter } from "../../core/filters/keys-filter.ts";
import type { Model } from "../../core/records/model.ts";
import { formatRecordKey, keyTextsOf } from "../../core/records/record-key.ts";
import type { ParsedName, RecordName } from "../../core/records/record-name.ts";
import { parseRecordName } from "../../core/records/record-name.ts";
import { scopeFilter } from "../../core/filters/scope-filter.ts";
import type { LoadedRecord } from "../../core/records/record-lists.ts";
import type { ModelPorts } from "./model-schema.ts";
import { baseSelect } from "./record-keys.ts";
import { plannedSelect } from "./pothos-dynamic.ts";
import { planWithScopes } from "./kept-plans.ts";
import type { PlanRoot, SelectedBelow } from "./plan-selection.ts";
import { planSelection, selectionKind } from "./plan-selection.ts";

/** The parts of a record that the document selects. */
export interface ReadPlan extends PlanRoot, SelectedBelow {}

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
  const isById = name.kind === "ID";
  const key = isById ? model.key : name.unique.fields;
  const kind = `one by ${key.map((field) => field.name).join()} ${selectionKind(model, plan)}`;
  const nodes = plan.info.fieldNodes.map(({ selectionSet }) => selectionSet);
  const read = planWithScopes(
    ports,
    { viewer: plan.context.viewer, info: plan.info },
    { kind, nodes },
    (watched) => {
      const where = scopeFilter(watched, plan.context.viewer, model, undefined);
      const part = { terms: [], where, isBackward: false, limit: 1 };
      const selection = planSelection(watched, model, plan, plan);
      return ports.lists.prepare(model.name, { page: { part, hasPlaces: false, selection, key } });
    },
  );
  const texts = isById ? keyTextsOf(model, name.id) : name.texts;
  const { records } = await read(texts, plan.context.client?.signal);
  return records[0] ?? null;
}

/** The same for the records with these ids, by id, in one look-up. */
export async function readRecords(
  ports: ModelPorts,
  model: Model,
  ids: readonly string[],
  plan: ReadPlan,
): Promise<ReadonlyMap<string, LoadedRecord>> {
  const filter = scopeFilter(ports, plan.context.viewer, model, undefined);
  const where = andFilters(keysFilter(model, ids), filter);
  const part = { terms: [], where, isBackward: false, limit: ids.length };
  const selection = planSelection(ports, model, plan, plan);
  const reading = { page: { part, hasPlaces: false, selection } };
  const { records } = await ports.lists.read(model.name, reading, plan.context.client?.signal);
  return new Map(records.map((record) => [formatRecordKey(model, record), record]));
}
