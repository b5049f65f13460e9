import type { Claim } from "../locks/claim.ts";

/**
 * What a task claims, as it is kept with the task: a claim, or `"chunks"` for the records of the task's own chunks,
 * which are not written down twice.
 */
export interface TaskClaim {
  readonly model: string;
  readonly ids: Claim["ids"] | "chunks";
  readonly scope?: string | undefined;
  /** Claimed because it hangs on the task's records. Such a claim may name no record: there may come to be some. */
  readonly isDependent?: boolean;
}

/** As the lock store takes it. @param chunkIds the ids of all the task's chunks */
export function toClaim(claim: TaskClaim, chunkIds: readonly string[]): Claim {
  return { ...claim, ids: claim.ids === "chunks" ? chunkIds : claim.ids };
}

/** The claim on the whole model where it names more records than are worth locking one by one. */
export function escalate(claim: TaskClaim, chunkIds: readonly string[], maxRecords: number): TaskClaim {
  return toClaim(claim, chunkIds).ids.length > maxRecords && claim.ids !== "all"
    ? { ...claim, ids: "all" }
    : claim;
}

/** Claims on what hangs on a task's records, as they are kept with it. */
export function toDependents(claims: readonly Claim[]): readonly TaskClaim[] {
  return claims.map((claim) => ({ ...claim, isDependent: true }));
}
