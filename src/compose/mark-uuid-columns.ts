import type { ColumnField, Field, Model, ModelRegistry } from "../core/records/model.ts";
import { createModelRegistry } from "../core/records/model-registry.ts";
import type { TableShape, TableShapes } from "../adapters/postgres/table-shape.ts";

/**
 * The same models, knowing which of their columns are native UUIDs. Two spellings of one UUID are one record, and
 * must be one lock; two spellings of a text are two.
 */
export async function markUuidColumns(models: ModelRegistry, shapes: TableShapes): Promise<ModelRegistry> {
  const marked = await Promise.all(
    models.all().map(async (model) => markModel(model, await shapes.of(model))),
  );
  return createModelRegistry(marked, models.enums());
}

function markModel(model: Model, shape: TableShape): Model {
  const mark = <F extends Field>(field: F): F =>
    field.kind !== "relation" && isUuid(shape, field) ? { ...field, isUuid: true } : field;
  return { ...model, key: model.key.map(mark), fields: model.fields.map(mark) };
}

function isUuid(shape: TableShape, field: ColumnField): boolean {
  return shape.columns.get(field.name)?.type === "uuid";
}
