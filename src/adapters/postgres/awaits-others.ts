import type { TableShape } from "./table-shape.ts";

/** What PostgreSQL says of a foreign key that leads nowhere, and of a record that another one still refers to. */
const FOREIGN_KEY_STATES: readonly unknown[] = ["23503", "23001"];

/**
 * Whether a record was refused because of another record of its own table: one to refer to that is not there yet, or
 * one that refers to it still. Once others of its set are written it may go through.
 */
export function awaitsOthers(error: unknown, { table }: TableShape): boolean {
  const { code, detail } = (error ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const other = FOREIGN_KEY_STATES.includes(code) ? /table "([^"]+)"/.exec(String(detail))?.[1] : undefined;
  return other !== undefined && (table === `"${other}"` || table.endsWith(`."${other}"`));
}
