import type { Json } from "../../kernel/json.ts";
import { fromColumnText } from "../records/column-text.ts";
import type { ColumnField, Model } from "../records/model.ts";
import type { RecordKey } from "../records/record-key.ts";
import { recordKeyOf } from "../records/record-key.ts";
import type { WrittenValue } from "../records/value-fault.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { BulkOperation } from "./record-writer.ts";
import { parseRowField } from "./row-field.ts";

/** A column with its type in the database. */
interface TypedColumn {
  readonly field: ColumnField;
  readonly nativeType: string;
}

/** The table's columns, by field name. */
interface TypedColumns {
  readonly model: Model;
  readonly key: readonly TypedColumn[];
  readonly columns: ReadonlyMap<string, TypedColumn>;
}

/** The values that an operation writes to the one record of a batch; for an upsert, those of both halves. */
export function writtenValues(
  operation: BulkOperation,
  { model, key, columns }: TypedColumns,
  batch: RecordBatch,
): readonly WrittenValue[] {
  const valueOf = (name: string, operator: string, value: unknown): readonly WrittenValue[] => {
    const nativeType = columns.get(name)?.nativeType;
    return nativeType === undefined ? [] : [{ field: name, nativeType, operator, value }];
  };
  if (operation.operation === "DELETE") {
    return [];
  }
  if (operation.operation === "UPDATE") {
    return Object.entries(operation.change).flatMap(([name, members]) =>
      Object.entries(members).flatMap(([operator, value]: [string, Json]) => valueOf(name, operator, value)),
    );
  }
  const given = batch.fields.map(parseRowField).flatMap((row, at) => {
    const column = row.kind === "VALUE" ? columns.get(row.field) : undefined;
    const text = batch.columns[at]?.[0] ?? null;
    return column === undefined ? [] : valueOf(column.field.name, "set", fromColumnText(column.field, text));
  });
  const parsed: Partial<RecordKey> =
    operation.operation === "UPSERT" ? recordKeyOf(model, batch.ids[0] ?? "") : {};
  return [...given, ...key.flatMap(({ field }) => valueOf(field.name, "set", parsed[field.name]))];
}
