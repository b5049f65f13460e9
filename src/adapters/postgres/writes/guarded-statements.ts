import type { RecordWork } from "../../../core/bulk/record-writer.ts";
import type { ColumnField } from "../../../core/records/model.ts";
import type { LoadedRecord } from "../../../core/records/record-lists.ts";
import type { ToDecimal } from "../records/read-values.ts";
import { readAsText, valueOf } from "../records/read-values.ts";
import type { TableShape } from "../records/table-shape.ts";
import { guardedRecordSql } from "../sql/bulk-record-set.ts";
import { requiredColumn } from "../sql/bulk-target.ts";

/** A statement that guards one record and writes it; see guardedRecordSql for its parameters. */
export interface GuardedStatement {
  readonly text: string;
  /** The record as it was written, if any columns were asked for. @param row as PostgreSQL sends it */
  recordOf(row: readonly (string | null)[]): { readonly record?: LoadedRecord };
}

/** Gives the statement for a write, which depends only on the names of the fields. */
export type GuardedStatements = (
  table: TableShape,
  operation: Exclude<RecordWork["operation"], "UPDATE">,
  fields: readonly string[],
  returning: readonly ColumnField[] | undefined,
) => GuardedStatement;

/** The most statements of one table to keep: callers choose the fields. */
const MAX_KEPT = 500;

/** Keeps the statements that it makes. */
export function createGuardedStatements(toDecimal: ToDecimal): GuardedStatements {
  const kept = new WeakMap<TableShape, Map<string, GuardedStatement>>();
  return (table, operation, fields, returning) => {
    const statements = kept.get(table) ?? new Map<string, GuardedStatement>();
    kept.set(table, statements);
    const key = `${operation}\n${fields.join()}\n${returning?.map(({ name }) => name).join() ?? "-"}`;
    const known = statements.get(key);
    if (known !== undefined) {
      return known;
    }
    if (statements.size >= MAX_KEPT) {
      statements.clear();
    }
    const made = makeStatement(table, operation, fields, returning, toDecimal);
    statements.set(key, made);
    return made;
  };
}

function makeStatement(
  table: TableShape,
  operation: Exclude<RecordWork["operation"], "UPDATE">,
  fields: readonly string[],
  returning: readonly ColumnField[] | undefined,
  toDecimal: ToDecimal,
): GuardedStatement {
  const readings = (returning ?? []).map(({ name }) => {
    const shape = requiredColumn(table, name);
    return { name, ...readAsText(shape, `t.${shape.name}`, toDecimal) };
  });
  const values = readings.map(({ sql }) => sql);
  return {
    text: guardedRecordSql(table, { operation }, fields, values),
    recordOf(row) {
      if (returning === undefined) {
        return {};
      }
      const record: Record<string, unknown> = {};
      readings.forEach((reading, at) => {
        record[reading.name] = valueOf(reading, row[table.key.length + at] ?? null);
      });
      return { record };
    },
  };
}
