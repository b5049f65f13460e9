import type { BulkOperation } from "./bulk-writer.ts";

/** The task kind of each bulk operation. */
export const BULK_KINDS: Readonly<Record<BulkOperation["operation"], string>> = {
  UPDATE: "bulkUpdate",
  DELETE: "bulkDelete",
};
