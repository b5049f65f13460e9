import type { Model, ModelRegistry, RelationField } from "./model.ts";
import { relationsOf } from "./model.ts";

/** The same relation as the other model (or the same one) sees it; undefined where that side is not exposed. */
export function oppositeOf(
  models: ModelRegistry,
  model: Model,
  field: RelationField,
): RelationField | undefined {
  const isSelf = field.type === model.name;
  return relationsOf(models.get(field.type)).find(
    (other) => other.relationName === field.relationName && !(isSelf && other.name === field.name),
  );
}

/** Whether the relation is many-to-many over a join table, so that either side may link and unlink records. */
export function isManyToMany(models: ModelRegistry, model: Model, field: RelationField): boolean {
  return field.isList && oppositeOf(models, model, field)?.isList === true;
}
