import type { Claim } from "./claim.ts";
import type { LockConflict } from "./lock-store.ts";

/** What is left of the claims when everything that a conflict names is taken out. */
export function freeOf(claims: readonly Claim[], conflicts: readonly LockConflict[]): readonly Claim[] {
  const taken = new Map<string, Set<string | null>>();
  for (const { model, id } of conflicts) {
    taken.set(model, (taken.get(model) ?? new Set()).add(id));
  }
  return claims.flatMap((claim) => {
    const takenIds = taken.get(claim.model);
    if (takenIds === undefined) {
      return [claim];
    }
    const isOutOfReach = claim.ids === "all" || takenIds.has(null);
    return isOutOfReach ? [] : [{ ...claim, ids: claim.ids.filter((id) => !takenIds.has(id)) }];
  });
}
