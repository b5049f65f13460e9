import { AppError } from "../kernel/app-error.ts";
import type { ColumnField, Field, Model, ModelRegistry } from "../core/records/model.ts";
import { createModelRegistry } from "../core/records/model-registry.ts";
import type { TableShape, TableShapes } from "../adapters/postgres/table-shape.ts";

/**
 * The same models, knowing which of their columns are native UUIDs. Two spellings of one UUID are one record, and
 * must be one lock; two spellings of a text are two.
 * @throws AppError INVALID_CONFIG for a key whose type takes several spellings for one record otherwise
 */
export async function markUuidColumns(models: ModelRegistry, shapes: TableShapes): Promise<ModelRegistry> {
  const marked = await Promise.all(
    models.all().map(async (model) => markModel(model, await shapes.of(model))),
  );
  return createModelRegistry(marked, models.enums());
}

function markModel(model: Model, shape: TableShape): Model {
  checkKey(model, shape);
  const mark = <F extends Field>(field: F): F =>
    field.kind !== "relation" && isUuid(shape, field) ? { ...field, isUuid: true } : field;
  return { ...model, key: model.key.map(mark), fields: model.fields.map(mark) };
}

/** Types in which differently spelt texts are one key. */
const AMBIGUOUS_KEY_TYPES: ReadonlySet<string> = new Set(["citext", "bpchar", "character"]);

function checkKey(model: Model, shape: TableShape): void {
  const ambiguous = shape.key.find((column) => AMBIGUOUS_KEY_TYPES.has(column.type));
  if (ambiguous !== undefined) {
    throw new AppError(
      "INVALID_CONFIG",
      `${model.name}.${ambiguous.field.name} is a key of type ${ambiguous.type}, which takes several spellings for one record, so locks could be dodged. Use text, or keep the model out of the API with {isExposed: false} in its options.`,
    );
  }
}

function isUuid(shape: TableShape, field: ColumnField): boolean {
  return shape.columns.get(field.name)?.type === "uuid";
}
