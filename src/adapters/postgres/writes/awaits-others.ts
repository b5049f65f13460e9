import { parseRowField } from "../../../core/bulk/row-field.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import type { TableShape } from "../records/table-shape.ts";

/** SQLSTATEs of a foreign key without a target row, and of a row that another row still refers to. */
const FOREIGN_KEY_STATES: readonly unknown[] = ["23503", "23001"];

/** `Key (parent_id)=(9) is not present in table "folder".`, or `… is still referenced from table "folder".` */
const DETAIL =
  /^Key \(("?)([^,]*?)\1\)=\((.*)\) is (not present in|(?:still )?referenced from) table "([^"]+)"/;

/** A refusal that may pass once other records of the same set are written, or are left out. */
export interface Awaiting {
  /** The ids of the records that the error names; empty when they cannot be identified. */
  readonly refusedIds: readonly string[];
}

/**
 * Recognizes a foreign key error within one table: a record refers to one that does not exist yet, or is to be deleted
 * while another still refers to it.
 * @returns undefined for any other error
 */
export function awaitsOthers(error: unknown, shape: TableShape, batch: RecordBatch): Awaiting | undefined {
  const { code, detail } = (error ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  if (!FOREIGN_KEY_STATES.includes(code)) {
    return undefined;
  }
  const [, , column = "", value = "", fault, other] = DETAIL.exec(String(detail)) ?? [];
  if (other === undefined || (shape.table !== `"${other}"` && !shape.table.endsWith(`."${other}"`))) {
    return undefined;
  }
  return {
    refusedIds:
      fault === "not present in" ? withValue(shape, batch, column, value) : withKey(shape, batch, value),
  };
}

/** The records of the batch that would get the value in the column. */
function withValue(
  { columns }: TableShape,
  { ids, fields, columns: texts }: RecordBatch,
  column: string,
  value: string,
): readonly string[] {
  const name = [...columns.values()].find(({ field }) => field.column === column)?.field.name;
  const places = fields.flatMap((text, at) => {
    const field = parseRowField(text);
    return field.kind === "VALUE" && field.field === name ? [at] : [];
  });
  return ids.filter((_id, at) => places.some((place) => texts[place]?.[at] === value));
}

function withKey({ key }: TableShape, { ids }: RecordBatch, value: string): readonly string[] {
  return key.length === 1 ? ids.filter((id) => id === value) : [];
}
