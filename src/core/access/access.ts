import type { JsonObject } from "../../kernel/json.ts";
import type { Viewer } from "./viewer.ts";

/**
 * A filter in the shape of the model's `where` input, which is Prisma's: operators per field, `AND`, `OR`,
 * `NOT`, and `some`, `every`, `none`, `is`, `isNot` on relations. Plain JSON, so that a task can store it.
 */
export type WhereFilter = JsonObject;

/**
 * The rows of each model that a viewer may touch. `scopeFilter` (core/filters) narrows every filter of a caller by it,
 * related records too; writes check single records with `scopeChecks` (core/records), at launch and in the worker.
 */
export interface Access {
  /** The viewer's scope within the model as a filter; undefined means every row. */
  scope(model: string, viewer: Viewer): WhereFilter | undefined;
}

/** Both filters at once; undefined when there is neither. */
export function andFilters(...filters: readonly (WhereFilter | undefined)[]): WhereFilter | undefined {
  const present = filters.filter((filter) => filter !== undefined && Object.keys(filter).length > 0);
  return present.length > 1 ? { AND: present as readonly WhereFilter[] } : present[0];
}
