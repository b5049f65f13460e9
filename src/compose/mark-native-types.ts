import { AppError } from "../kernel/app-error.ts";
import type { ColumnField, EnumType, Field, Model, ModelRegistry } from "../core/records/model.ts";
import { createModelRegistry } from "../core/records/model.ts";
import type { ColumnShape, TableShape, TableShapes } from "../adapters/postgres/records/table-shape.ts";

/**
 * Adds the columns' native types, and the values of enums in keys, to the models. Native types decide whether two ids mean
 * the same record, and so the same lock: two spellings of a UUID do, two spellings of a text do not.
 * @throws AppError INVALID_CONFIG for a key that could have several ids for one record
 */
export async function markNativeTypes(models: ModelRegistry, shapes: TableShapes): Promise<ModelRegistry> {
  const marked = await Promise.all(
    models.all().map(async (model) => markModel(model, await shapes.of(model), models.enums())),
  );
  return createModelRegistry(marked, models.enums(), models.emulatedKeys);
}

function markModel(model: Model, shape: TableShape, enums: readonly EnumType[]): Model {
  checkKey(model, shape);
  const mark = <F extends Field>(field: F): F => {
    const nativeType = shape.columns.get(field.name)?.nativeType;
    return nativeType === undefined ? field : { ...field, nativeType };
  };
  const markKey = (field: ColumnField): ColumnField => {
    const values = enums.find(({ name }) => field.kind === "enum" && name === field.type)?.values;
    return values === undefined || field.kind !== "enum" ? mark(field) : { ...mark(field), values };
  };
  return {
    ...model,
    key: model.key.map(markKey),
    uniques: model.uniques.map(({ name, fields }) => ({ name, fields: fields.map(markKey) })),
    fields: model.fields.map(mark),
  };
}

/**
 * The types that a key may have: each value has one text, or can be brought to one (see core's key-text), and the client reads
 * and writes it without loss. Unknown types are refused.
 */
const KEY_TYPES =
  /^(?:text|character varying(?:\(\d+\))?|uuid|smallint|integer|bigint|oid|boolean|date|time\(3\) without time zone|timestamp\(3\) with(?:out)? time zone)$/;

function checkKey(model: Model, shape: TableShape): void {
  const unfit = shape.key.find(
    ({ field, nativeType }) => field.kind !== "enum" && !KEY_TYPES.test(nativeType),
  );
  if (unfit !== undefined) {
    throw new AppError(
      "INVALID_CONFIG",
      `${model.name}.${unfit.field.name} is a key of type ${unfit.nativeType}, ${describeFault(unfit)}, so locks could be bypassed. Use ${remedy(unfit)}, or keep the model out of the API with {isExposed: false} in its options.`,
    );
  }
}

function isTime({ nativeType }: ColumnShape): boolean {
  return nativeType.startsWith("time");
}

function describeFault(column: ColumnShape): string {
  return isTime(column)
    ? "which is more precise than ids, which have milliseconds"
    : "which accepts several spellings of one value";
}

function remedy(column: ColumnShape): string {
  if (!isTime(column)) {
    return "text";
  }
  const [name = ""] = /^[a-z]+/.exec(column.nativeType) ?? [];
  return name === "timestamp" && column.nativeType.endsWith("with time zone")
    ? "timestamptz(3)"
    : `${name}(3)`;
}
