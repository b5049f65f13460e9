import type { Claim } from "../locks/claim.ts";

/**
 * A claim as stored with its task. The ids `"chunks"` mean the records of the task's own chunks, so that these are not
 * stored twice.
 */
export interface TaskClaim {
  readonly model: string;
  readonly ids: Claim["ids"] | "chunks";
  readonly scope?: string | undefined;
  /** Whether it is on records that depend on the task's own. It may name none: there may be such records later. */
  readonly isDependent?: boolean;
}

/** The claim for the lock store. @param chunkIds the ids of all the task's chunks */
export function toClaim(claim: TaskClaim, chunkIds: readonly string[]): Claim {
  return { ...claim, ids: claim.ids === "chunks" ? chunkIds : claim.ids };
}

/** The claim; on the whole model where it names more than `maxRecords` records. */
export function escalate(claim: TaskClaim, chunkIds: readonly string[], maxRecords: number): TaskClaim {
  return toClaim(claim, chunkIds).ids.length > maxRecords && claim.ids !== "all"
    ? { ...claim, ids: "all" }
    : claim;
}

/** Claims on dependent records, as stored with their task. */
export function toDependents(claims: readonly Claim[]): readonly TaskClaim[] {
  return claims.map((claim) => ({ ...claim, isDependent: true }));
}
