import type { Json, JsonObject } from "../../kernel/json.ts";
import type { RecordChange } from "../records/change.ts";
import type { Selection } from "../records/selection.ts";
import type { BulkOperation } from "./bulk-writer.ts";

/** More ids than these are counted, not listed, in a task's input; its chunks hold them all. */
const MAX_LISTED_IDS = 1000;

/** What a bulk task keeps of its launch. */
export function encodeBulkInput(selection: Selection, operation: BulkOperation): JsonObject {
  const change = operation.operation === "UPDATE" ? { data: operation.change as unknown as JsonObject } : {};
  return { selection: encodeSelection(selection), ...change };
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
