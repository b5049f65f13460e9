import type { Model } from "../../core/records/model.ts";
import { quoteName } from "../../kernel/quote-name.ts";

/**
 * Locks one record, by its key's values. The parameters carry no type, so that the database gives them their columns'
 * (uuid, smallint), which only it knows.
 */
export function lockRecordSql(model: Model): string {
  const conditions = model.key.map((field, at) => `${quoteName(field.column)} = $${at + 1}`);
  return `SELECT 1 FROM ${quoteName(model.schema)}.${quoteName(model.table)} WHERE ${conditions.join(" AND ")} FOR UPDATE`;
}
