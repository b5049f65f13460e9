import type { Field, Model, ModelRegistry } from "../core/records/model.ts";
import { createModelRegistry } from "../core/records/model.ts";
import { serveModel } from "../core/records/serve-model.ts";
import type { TableShape, TableShapes } from "../adapters/postgres/records/table-shape.ts";

/**
 * Adds the columns' native types to the models, and chooses their keys by them. Native types decide whether two ids mean
 * the same record, and so the same lock: two spellings of a UUID do, two spellings of a text do not.
 */
export async function markNativeTypes(models: ModelRegistry, shapes: TableShapes): Promise<ModelRegistry> {
  const enums = models.enums();
  const marked = await Promise.all(
    models.all().map(async (model) => serveModel(markModel(model, await shapes.of(model)), enums)),
  );
  return createModelRegistry(marked, enums, models.relationMode);
}

function markModel(model: Model, shape: TableShape): Model {
  const mark = <F extends Field>(field: F): F => {
    const nativeType = shape.columns.get(field.name)?.nativeType;
    return nativeType === undefined ? field : { ...field, nativeType };
  };
  return { ...model, fields: model.fields.map(mark) };
}
