import type { ModelOptionsMap } from "../records/model-options.ts";
import type { ColumnField, Model } from "../records/model.ts";
import { columnsOf } from "../records/model.ts";

/** What an app allows in bulk, per model. */
export interface BulkRules {
  /** The fields that a bulk update of the model may change; undefined means every one that can be changed. */
  allowedFields(model: string): readonly string[] | undefined;
}

/** The bulk rules that the options make up. */
export function bulkRulesOf(options: ModelOptionsMap): BulkRules {
  return { allowedFields: (model) => options[model]?.bulk?.fields };
}

/** The columns that a bulk update of the model may change: allowed by the app, not the key, not `@updatedAt`. */
export function changeableColumns(model: Model, rules: BulkRules): readonly ColumnField[] {
  const allowed = rules.allowedFields(model.name);
  return columnsOf(model).filter(
    (field) => !field.isKey && !field.isUpdatedAt && (allowed === undefined || allowed.includes(field.name)),
  );
}
