import type { ModelOptionsMap } from "../records/model-options.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../records/model.ts";
import { columnsOf, isManyToMany, relationsOf } from "../records/model.ts";

/** More chunks under way at once each take longer on a small machine, and a cancel waits for all of them. */
const DEFAULT_PARALLELISM = 2;

/** What an app allows in bulk, per model. */
export interface BulkRules {
  /** The fields that a bulk update of the model may change; undefined means every one that can be changed. */
  allowedFields(model: string): readonly string[] | undefined;
  /** How many workers, or slots of workers, write one task of the model at the same time. */
  parallelism(model: string): number;
  /** The most records of one chunk; undefined for the service's own limit. */
  chunkRecords(model: string): number | undefined;
}

/** The bulk rules in the models' options. */
export function bulkRulesOf(options: ModelOptionsMap): BulkRules {
  return {
    allowedFields: (model) => options[model]?.bulk?.fields,
    parallelism: (model) => options[model]?.bulk?.parallelism ?? DEFAULT_PARALLELISM,
    chunkRecords: (model) => options[model]?.bulk?.chunkRecords,
  };
}

/** The columns that a bulk update of the model may change: allowed by the app, not the key, not `@updatedAt`. */
export function changeableColumns(
  model: Model,
  rules: Pick<BulkRules, "allowedFields">,
): readonly ColumnField[] {
  const allowed = rules.allowedFields(model.name);
  return columnsOf(model).filter(
    (field) => !field.isKey && !field.isUpdatedAt && (allowed === undefined || allowed.includes(field.name)),
  );
}

/** The relations whose links a bulk update of the model may change: many-to-many, and allowed by the app. */
export function changeableLinks(
  models: ModelRegistry,
  model: Model,
  rules: Pick<BulkRules, "allowedFields">,
): readonly RelationField[] {
  const allowed = rules.allowedFields(model.name);
  return manyToManyOf(models, model).filter((field) => allowed === undefined || allowed.includes(field.name));
}

/** The model's many-to-many relations whose links can be changed: join tables refer to records by their primary keys. */
export function manyToManyOf(models: ModelRegistry, model: Model): readonly RelationField[] {
  return relationsOf(model).filter(
    (field) =>
      isManyToMany(models, model, field) && [model, models.get(field.type)].every(isNamedByPrimaryKey),
  );
}

function isNamedByPrimaryKey({ key, primaryKey }: Model): boolean {
  return key.length > 0 && key.map(({ name }) => name).join() === primaryKey.join();
}
