import type { BulkWork } from "../../core/bulk/bulk-writer.ts";

/** Whether nothing but the database has a say in what is written: no scope, no code of the app's. */
export function isPlainWork({ scope, scopeChecks, hooks }: BulkWork): boolean {
  return scope === undefined && scopeChecks === undefined && hooks === undefined;
}
