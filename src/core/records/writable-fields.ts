import type { WriteSort } from "./field-switches.ts";
import { isReadable, isWritable } from "./field-switches.ts";
import type { ColumnField, Model } from "./model.ts";
import { columnsOf } from "./model.ts";

/** The `@updatedAt` column that callers can compare with what they read; undefined where they cannot read one. */
export function shownUpdatedAt(model: Model): ColumnField | undefined {
  return columnsOf(model).find((field) => field.isUpdatedAt && isReadable(field));
}

/** Whether a new record needs a value for the column from the caller. */
export function isNeeded(field: ColumnField): boolean {
  return !field.isNullable && !field.hasDefault && !field.isList && !field.isUpdatedAt;
}

/** Whether callers can set everything that a new record needs, and anything at all. */
export function isCreatable(model: Model): boolean {
  return (
    columnsOutOfReach(model).length === 0 &&
    columnsOf(model).some((field) => !field.isUpdatedAt && isWritable(field, "SINGLE"))
  );
}

/** The columns that a new record needs, and that callers cannot set. */
export function columnsOutOfReach(model: Model): readonly ColumnField[] {
  return columnsOf(model).filter((field) => isNeeded(field) && !isWritable(field, "SINGLE"));
}

/** The columns that a new record may name. */
export function creatableColumns(model: Model, sort: WriteSort): readonly ColumnField[] {
  return columnsOf(model).filter(
    (field) => !field.isUpdatedAt && isWritable(field, isNeeded(field) ? "SINGLE" : sort),
  );
}

/** Whether a caller may choose a key of a new record, as an upsert does. @param key the primary key or a unique one */
export function isKeyCreatable(model: Model, sort: WriteSort, key: readonly ColumnField[]): boolean {
  const names = creatableColumns(model, sort).map(({ name }) => name);
  return key.every(({ name }) => names.includes(name));
}

/** The columns that an update may name: a record keeps its key. */
export function changeableColumns(model: Model, sort: WriteSort): readonly ColumnField[] {
  return columnsOf(model).filter((field) => !field.isUpdatedAt && !field.isKey && isWritable(field, sort));
}
