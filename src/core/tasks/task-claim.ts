import type { Claim } from "../locks/claim.ts";

/**
 * What a task claims, as it is kept with the task: a claim, or `"chunks"` for the records of the task's own chunks,
 * which are not written down twice.
 */
export interface TaskClaim {
  readonly model: string;
  readonly ids: Claim["ids"] | "chunks";
  readonly scope?: string | undefined;
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
