import type { WhereFilter } from "./selection.ts";
import type { Viewer } from "../access/viewer.ts";

/**
 * The rows of each model that a viewer may touch. Applied to every query, to nested reads, to single writes, at
 * launch, and again in the worker.
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
