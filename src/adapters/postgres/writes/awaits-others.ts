import { parseRowField } from "../../../core/bulk/row-field.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import type { TableShape } from "../records/table-shape.ts";

/** What PostgreSQL says of a foreign key that leads nowhere, and of a record that another one still refers to. */
const FOREIGN_KEY_STATES: readonly unknown[] = ["23503", "23001"];

/** `Key (parent_id)=(9) is not present in table "folder".`, or `… is still referenced from table "folder".` */
const DETAIL =
  /^Key \(("?)([^,]*?)\1\)=\((.*)\) is (not present in|(?:still )?referenced from) table "([^"]+)"/;

/** Why a set of records was refused that may go through once others of it are written, or are left out. */
export interface Awaiting {
  /** The records of the set to which the database objects, as far as it can be told which these are. */
  readonly objectedTo: readonly string[];
}

/**
 * Whether a set was refused because of another record of its own table: one to refer to that is not there yet, or one
 * that refers to a record of it still. Undefined where it was for anything else.
 */
export function awaitsOthers(error: unknown, shape: TableShape, batch: RecordBatch): Awaiting | undefined {
  const { code, detail } = (error ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  if (!FOREIGN_KEY_STATES.includes(code)) {
    return undefined;
  }
  const [, , column = "", value = "", says, other] = DETAIL.exec(String(detail)) ?? [];
  if (other === undefined || (shape.table !== `"${other}"` && !shape.table.endsWith(`."${other}"`))) {
    return undefined;
  }
  return {
    objectedTo:
      says === "not present in" ? withValue(shape, batch, column, value) : withKey(shape, batch, value),
  };
}

/** Those that are to have the value in the column. */
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
