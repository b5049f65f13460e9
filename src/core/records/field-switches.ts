import type { MembersOf } from "../../kernel/shape.ts";

/** What the API does with a field. A team sets it in its config, or in the Prisma schema with `/// @powercrud(…)`. */
export interface FieldSwitches {
  /**
   * False hides the field: nothing in the API reads it, writes it, filters or sorts by it, or names it. The app's own
   * code, such as hooks and scopes, has it as before. Default: true.
   */
  readonly isExposed?: boolean;
  /** True leaves the field out of every input that writes. Default: false. */
  readonly isReadOnly?: boolean;
  /** False leaves the field out of filters, and out of the unique keys that name a record. Default: true. */
  readonly isFilterable?: boolean;
  /** False leaves the field out of `orderBy`. Default: true. */
  readonly isSortable?: boolean;
  /**
   * False leaves the field out of what bulk operations write. Their creates keep what every new record needs. Default:
   * true.
   */
  readonly isBulkWritable?: boolean;
}

/** See {@link FieldSwitches}. */
export const FIELD_SWITCH_MEMBERS: MembersOf<FieldSwitches> = {
  isExposed: { kind: "FLAG" },
  isReadOnly: { kind: "FLAG" },
  isFilterable: { kind: "FLAG" },
  isSortable: { kind: "FLAG" },
  isBulkWritable: { kind: "FLAG" },
};

/** The names of the switches. */
export const FIELD_SWITCHES: readonly string[] = Object.keys(FIELD_SWITCH_MEMBERS);

/** A write of one record, or of many by a bulk operation. */
export type WriteSort = "SINGLE" | "BULK";

/** A field of a model, as far as its switches go. */
interface Switched {
  readonly switches?: FieldSwitches;
}

/** Whether the API shows the field's values. Where it does not, it does nothing else with the field, either. */
export function isReadable({ switches }: Switched): boolean {
  return switches?.isExposed !== false;
}

/** Whether callers may ask for records by the field's values. */
export function isFilterable(field: Switched): boolean {
  return isReadable(field) && field.switches?.isFilterable !== false;
}

/** Whether callers may sort records by the field. */
export function isSortable(field: Switched): boolean {
  return isReadable(field) && field.switches?.isSortable !== false;
}

/** Whether callers may set the field in a write of this sort. */
export function isWritable(field: Switched, sort: WriteSort): boolean {
  const { isReadOnly = false, isBulkWritable = true } = field.switches ?? {};
  return isReadable(field) && !isReadOnly && (sort === "SINGLE" || isBulkWritable);
}
