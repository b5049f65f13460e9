import { oncePer } from "../../kernel/once-per.ts";
import type { WriteSort } from "../records/field-switches.ts";
import { isWritable } from "../records/field-switches.ts";
import type { ModelOptionsMap } from "../records/model-options.ts";
import type { Model, ModelRegistry, RelationField } from "../records/model.ts";
import { isManyToMany, relationsOf } from "../records/model.ts";

/** More chunks under way at once each take longer on a small machine, and a cancel waits for all of them. */
const DEFAULT_PARALLELISM = 2;

/** What an app allows in bulk, per model. */
export interface BulkRules {
  /** How many workers, or slots of workers, write one task of the model at the same time. */
  parallelism(model: string): number;
  /** The most records of one chunk; undefined for the service's own limit. */
  chunkRecords(model: string): number | undefined;
}

/** The bulk rules in the models' options. */
export function bulkRulesOf(options: ModelOptionsMap): BulkRules {
  return {
    parallelism: (model) => options[model]?.bulk?.parallelism ?? DEFAULT_PARALLELISM,
    chunkRecords: (model) => options[model]?.bulk?.chunkRecords,
  };
}

/** The relations whose links callers may change in a write of this sort: those that are many-to-many. */
export function changeableLinks(
  models: ModelRegistry,
  model: Model,
  sort: WriteSort,
): readonly RelationField[] {
  return manyToManyOf(models, model).filter((field) => isWritable(field, sort));
}

/** The model's many-to-many relations whose links can be changed: join tables refer to records by their primary keys. */
export function manyToManyOf(models: ModelRegistry, model: Model): readonly RelationField[] {
  return junctionsOf(models)(model);
}

const junctionsOf = oncePer((models: ModelRegistry) =>
  oncePer((model: Model) =>
    relationsOf(model).filter(
      (field) =>
        isManyToMany(models, model, field) && [model, models.get(field.type)].every(isNamedByPrimaryKey),
    ),
  ),
);

function isNamedByPrimaryKey({ key, primaryKey }: Model): boolean {
  return key.length > 0 && key.map(({ name }) => name).join() === primaryKey.join();
}
