import type { JsonObject } from "../../kernel/json.ts";
import type { Viewer } from "./viewer.ts";

/**
 * A filter in the shape of the model's `where` input, which is Prisma's: operators per field, `AND`, `OR`,
 * `NOT`, and `some`, `every`, `none`, `is`, `isNot` on relations. Plain JSON, so that a task can store it.
 */
export type WhereFilter = JsonObject;

/** What a viewer wants to do with records. */
export type AccessAction = "READ" | "CREATE" | "UPDATE" | "DELETE";

/** What a viewer wants to do with a field. */
export type FieldAction = "READ" | "WRITE";

/**
 * What a viewer may do. `scopeFilter` (core/filters) narrows every filter of a caller to the viewer's scope,
 * related records too; writes check single records with `scopeChecks` (core/records), at launch and in the worker.
 */
export interface Access {
  /** Whether the viewer may do it with any record of the model at all. */
  isAllowed(model: string, viewer: Viewer, action: AccessAction): boolean;
  /**
   * The records of the model with which the viewer may do it, as a filter; undefined means all, {@link NOTHING} none. Only
   * what can be read can be updated or deleted. For CREATE: what new records must match.
   */
  scope(model: string, viewer: Viewer, action: AccessAction): WhereFilter | undefined;
  /** Whether the viewer may do it with the field, in the records with which the viewer may. */
  isFieldAllowed(model: string, field: string, viewer: Viewer, action: FieldAction): boolean;
}

/** The filter that no record matches. */
export const NOTHING: WhereFilter = Object.freeze({ OR: [] });

/** Both filters at once; undefined when there is neither. */
export function andFilters(...filters: readonly (WhereFilter | undefined)[]): WhereFilter | undefined {
  const present = filters.filter((filter) => filter !== undefined && Object.keys(filter).length > 0);
  return present.length > 1 ? { AND: present as readonly WhereFilter[] } : present[0];
}
