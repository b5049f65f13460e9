import type { BulkTarget } from "./bulk-request.ts";

/** Operations on lists of records. */
type ListOperation = Extract<BulkTarget, { readonly records: unknown }>["operation"];

/** What callers know the list of records as, for the paths of problems: `data` in a bulk create, else `records`. */
export function listName(operation: ListOperation): string {
  return operation === "CREATE" ? "data" : "records";
}
