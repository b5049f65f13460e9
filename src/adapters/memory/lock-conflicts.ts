import type { Claim } from "../../core/locks/claim.ts";
import { MAX_REPORTED_CONFLICTS } from "../../core/locks/lock-store.ts";
import type { AcquireResult, LockConflict } from "../../core/locks/lock-store.ts";
import { sortIds } from "../../core/locks/sort-ids.ts";
import type { LockRow, LockTable } from "./lock-table.ts";

/** Who asks, and from where. */
export interface Claimant {
  /** Undefined for a guard of nobody's, to which everybody is another. */
  readonly owner: string | undefined;
  /** Whoever stands in line with a smaller ticket goes first. */
  readonly ticket: number;
}

/** Who guards: everybody who holds goes before, and nobody who waits. */
export const GUARDIAN: Claimant = { owner: undefined, ticket: 0 };

/** What others hold of the claims, or stand in line for before the claimant; by model and id, a whole model first. */
export function findLockConflicts(
  table: LockTable,
  claims: readonly Claim[],
  { owner, ticket }: Claimant,
): readonly LockConflict[] {
  const found = new Map<string, Map<string | null, LockRow>>();
  for (const row of claims.flatMap((claim) => meeting(table, claim))) {
    if (row.owner !== owner && rank(row) < ticket) {
      const ofModel = found.get(row.model) ?? new Map<string | null, LockRow>();
      found.set(row.model, ofModel);
      ofModel.set(row.id, firstOf(ofModel.get(row.id), row));
    }
  }
  return sortIds([...found.keys()]).flatMap((model) => inOrder(found.get(model) ?? new Map()));
}

/** Of those in line before the ticket for some of the claims, the last. */
export function lastInLine(table: LockTable, claims: readonly Claim[], ticket: number): string | undefined {
  const before = claims
    .flatMap((claim) => meeting(table, claim))
    .flatMap((row) =>
      row.ticket !== undefined && row.ticket < ticket ? [{ ...row, ticket: row.ticket }] : [],
    );
  return before.toSorted((a, b) => b.ticket - a.ticket)[0]?.owner;
}

/** The first conflicts, and how many there are; none means granted. */
export function toAcquireResult(conflicts: readonly LockConflict[]): AcquireResult {
  return conflicts.length === 0
    ? { kind: "GRANTED" }
    : {
        kind: "CONFLICT",
        conflicts: conflicts.slice(0, MAX_REPORTED_CONFLICTS),
        totalConflicts: conflicts.length,
      };
}

/** Whether a claim on a whole model under one scope meets one in it under the other. */
export function isSameScope(one: string, other: string): boolean {
  return one === "" || other === "" || one === other;
}

/** All rows that have to do with what is claimed. */
function meeting(table: LockTable, { model, ids, scope = "" }: Claim): readonly LockRow[] {
  const wholes = table.rowsOf(model, null).filter((row) => isSameScope(row.scope, scope));
  const records =
    ids === "all"
      ? table.recordRowsOf(model).filter((row) => isSameScope(row.scope, scope))
      : ids.flatMap((id) => table.rowsOf(model, id));
  return [...wholes, ...records];
}

/** Its place among all that want the same: who holds comes before all who wait. */
function rank({ ticket }: LockRow): number {
  return ticket ?? -Infinity;
}

function firstOf(one: LockRow | undefined, other: LockRow): LockRow {
  return one === undefined || rank(other) < rank(one) ? other : one;
}

function inOrder(rows: ReadonlyMap<string | null, LockRow>): readonly LockConflict[] {
  const ids = sortIds([...rows.keys()].filter((id) => id !== null));
  return [null, ...ids].flatMap((id) => {
    const row = rows.get(id);
    return row === undefined ? [] : [{ model: row.model, id, owner: row.owner }];
  });
}
