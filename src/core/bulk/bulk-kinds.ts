import type { BulkOperation } from "./record-writer.ts";

/** The task kind of each bulk operation. */
export const BULK_KINDS: Readonly<Record<BulkOperation["operation"], string>> = {
  CREATE: "bulkCreate",
  UPDATE: "bulkUpdate",
  UPDATE_EACH: "bulkUpdateEach",
  UPSERT: "bulkUpsert",
  DELETE: "bulkDelete",
};

/** All bulk operations. */
export const BULK_OPERATIONS = Object.keys(BULK_KINDS) as readonly BulkOperation["operation"][];

/** The operation of a bulk task; undefined for a task of another kind. */
export function bulkOperationOf(kind: string): BulkOperation["operation"] | undefined {
  return BULK_OPERATIONS.find((operation) => BULK_KINDS[operation] === kind);
}
