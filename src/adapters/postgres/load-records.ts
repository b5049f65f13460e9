import type { SqlSession } from "../../kernel/sql-session.ts";
import type { LoadedRecords } from "../../core/bulk/hook-batch.ts";
import { enumName } from "../../core/records/column-text.ts";
import type { EnumField } from "../../core/records/model.ts";
import { columnsOf } from "../../core/records/model.ts";
import type { AppRecord } from "../../core/records/write-hooks.ts";
import { LOADED_ID, loadRecordsSql } from "./sql/bulk-load.ts";
import type { TableShape } from "./table-shape.ts";

type LoadedRow = Record<string, unknown> & { [LOADED_ID]?: string };

/**
 * Reads records with all their columns in one statement, and locks them until the transaction ends.
 * @param session gives values typed as records have them
 */
export async function loadRecords(
  session: SqlSession,
  table: TableShape,
  ids: readonly string[],
): Promise<LoadedRecords> {
  const rows = ids.length === 0 ? [] : await session.query<LoadedRow>(loadRecordsSql(table), [ids]);
  const renamed = columnsOf(table.model).filter(isRenamedEnum);
  return new Map(
    rows.map((row): [string, AppRecord] => {
      const id = row[LOADED_ID] ?? "";
      delete row[LOADED_ID];
      for (const field of renamed) {
        row[field.name] = namesOf(field, row[field.name]);
      }
      return [id, row];
    }),
  );
}

function isRenamedEnum(field: ReturnType<typeof columnsOf>[number]): field is EnumField {
  return field.kind === "enum" && field.labels !== undefined;
}

function namesOf(field: EnumField, value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((label) => enumName(field, String(label)));
  }
  return typeof value === "string" ? enumName(field, value) : value;
}
