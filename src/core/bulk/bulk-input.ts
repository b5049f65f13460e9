import type { Json, JsonObject } from "../../kernel/json.ts";
import type { RecordChange } from "../records/change.ts";
import type { Selection } from "../filters/selection.ts";
import type { BulkTarget, RowData } from "./bulk-request.ts";

/** More ids than these are counted, not listed, in a task's input; its chunks hold them all. */
const MAX_LISTED_IDS = 1000;
/** The same for records with their values. */
const MAX_LISTED_RECORDS = 100;

/** What a bulk task keeps of its launch. */
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

/** The fields that updating changes in a bulk task's records, each with something; no others matter of it. */
export function decodeBulkData(input: Json): Readonly<Record<string, unknown>> {
  const { data, updatedFields } = input as JsonObject;
  return Array.isArray(updatedFields)
    ? Object.fromEntries(updatedFields.map((name) => [String(name), true]))
    : ((data ?? {}) as JsonObject);
}

/** The change that a bulk update's input asks for. */
export function decodeBulkChange(input: Json): RecordChange {
  return ((input as JsonObject)["data"] ?? {}) as unknown as RecordChange;
}

function encodeSelection(selection: Selection): JsonObject {
  if ("where" in selection) {
    return { where: selection.where };
  }
  const { ids } = selection;
  return ids.length > MAX_LISTED_IDS
    ? { idCount: ids.length, firstIds: ids.slice(0, MAX_LISTED_IDS) }
    : { ids };
}

function encodeRecords(records: readonly JsonObject[], updates: readonly RowData[]): JsonObject {
  const updatedFields = [...new Set(updates.flatMap((data) => Object.keys(data)))];
  return {
    updatedFields,
    ...(records.length > MAX_LISTED_RECORDS
      ? { recordCount: records.length, firstRecords: records.slice(0, MAX_LISTED_RECORDS) }
      : { records }),
  };
}
