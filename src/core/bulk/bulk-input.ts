import type { Json, JsonObject } from "../../kernel/json.ts";
import type { RecordChange } from "../records/change.ts";
import type { BulkTarget, RowData, Selection } from "./bulk-request.ts";
import type { UpdatedFields } from "../records/side-effects.ts";
import type { Task } from "../tasks/task.ts";
import { bulkOperationOf } from "./bulk-kinds.ts";

/** More ids than these are counted, not listed, in a task's input; its chunks hold them all. */
const MAX_LISTED_IDS = 1000;
/** The same for records with their values. */
const MAX_LISTED_RECORDS = 100;

/** The input of a bulk task, as it is stored. */
export function encodeBulkInput(target: BulkTarget): JsonObject {
  switch (target.operation) {
    case "UPDATE":
      return {
        selection: encodeSelection(target.selection),
        data: target.change as unknown as JsonObject,
      };
    case "DELETE":
      return { selection: encodeSelection(target.selection) };
    case "CREATE":
      return encodeRecords(target.records as unknown as readonly JsonObject[], []);
    case "UPDATE_EACH":
      return encodeRecords(
        target.records as unknown as readonly JsonObject[],
        target.records.map(({ data }) => data),
      );
    case "UPSERT":
      return encodeRecords(
        target.records as unknown as readonly JsonObject[],
        target.records.map(({ update }) => update),
      );
  }
}

/** The fields that a bulk task updates, from its stored input. */
export function decodeUpdatedFields(input: Json): UpdatedFields {
  const { data, updatedFields, replacedLinks } = input as JsonObject;
  if (Array.isArray(updatedFields)) {
    return {
      columns: updatedFields as readonly string[],
      replaced: (replacedLinks ?? []) as readonly string[],
    };
  }
  const change = (data ?? {}) as JsonObject;
  // `set` with a list replaces links. A list column may be among these names, too; as it is not a relation, that does
  // no harm.
  const replaced = Object.keys(change).filter((name) => Array.isArray((change[name] as JsonObject)["set"]));
  return { columns: Object.keys(change), replaced };
}

/** The change that a bulk update's input asks for. */
export function decodeBulkChange(input: Json): RecordChange {
  return ((input as JsonObject)["data"] ?? {}) as unknown as RecordChange;
}

function encodeSelection(selection: Selection): JsonObject {
  if ("where" in selection) {
    const { where, search } = selection;
    return { where, ...(search === undefined ? {} : { search }) };
  }
  const { ids } = selection;
  return ids.length > MAX_LISTED_IDS
    ? { idCount: ids.length, firstIds: ids.slice(0, MAX_LISTED_IDS) }
    : { ids };
}

/** @param updates the values for records that exist */
function encodeRecords(records: readonly JsonObject[], updates: readonly RowData[]): JsonObject {
  const updated = new Set<string>();
  const replaced = new Set<string>();
  // Once for each value of a list that may be long, so nothing is made for them.
  for (const data of updates) {
    for (const name in data) {
      updated.add(name);
      if (Array.isArray((data[name] as { readonly set?: unknown } | null)?.set)) {
        replaced.add(name);
      }
    }
  }
  return {
    updatedFields: [...updated],
    ...(replaced.size === 0 ? {} : { replacedLinks: [...replaced] }),
    ...(records.length > MAX_LISTED_RECORDS
      ? { recordCount: records.length, firstRecords: records.slice(0, MAX_LISTED_RECORDS) }
      : { records }),
  };
}

/** A task's input as the caller gave it: without the fields that a launch adds for the worker. */
export function givenInput({ kind, input }: Pick<Task, "kind" | "input">): Json {
  if (bulkOperationOf(kind) === undefined || typeof input !== "object" || input === null) {
    return input;
  }
  const { updatedFields: _noted, replacedLinks: _too, ...given } = input as JsonObject;
  return given;
}
