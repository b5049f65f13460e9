import type { LockConflict } from "./lock-store.ts";
import { sortIds } from "./sort-ids.ts";

/** By model and id, a whole model first; one conflict a record. */
export function sortConflicts(conflicts: readonly LockConflict[]): readonly LockConflict[] {
  const models = sortIds(conflicts.map(({ model }) => model));
  return models.flatMap((model) => {
    const ofModel = conflicts.filter((conflict) => conflict.model === model);
    const byId = new Map(ofModel.map((conflict) => [conflict.id, conflict]));
    const ids = sortIds([...byId.keys()].filter((id) => id !== null));
    return [null, ...ids].flatMap((id) => byId.get(id) ?? []);
  });
}
