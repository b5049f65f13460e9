import type { AcquireResult, LockConflict } from "../../core/locks/lock-store.ts";

/** A conflict as the lock functions hand it over. */
export interface ConflictRow extends LockConflict {
  /** How many there are in all. */
  readonly total: number;
}

/** No conflicts mean that the claim is granted. */
export function toAcquireResult(rows: readonly ConflictRow[]): AcquireResult {
  const [first] = rows;
  if (first === undefined) {
    return { kind: "GRANTED" };
  }
  const conflicts = rows.map(({ model, id, owner }) => ({ model, id, owner }));
  return { kind: "CONFLICT", conflicts, totalConflicts: first.total };
}
