import type { Claim } from "./claim.ts";
import type { AcquireResult, LockConflict, LockRefusal, LockStore } from "./lock-store.ts";

/** The refusal in words for the app and its callers: the first record, and the task that holds it. */
export function describeHeld({ conflicts: [first], totalConflicts }: LockRefusal): string {
  if (first === undefined) {
    return "Another task holds the records.";
  }
  const what = first.id === null ? `all of ${first.model}` : `${first.model} ${first.id}`;
  const more = totalConflicts > 1 ? `, and ${totalConflicts - 1} more are held` : "";
  return `Task ${first.owner} holds ${what}${more}.`;
}

/** What a guard of the claims would answer, without guarding anything. Claims on whole models are not looked up. */
export async function conflictsWith(
  locks: Pick<LockStore, "owners">,
  claims: readonly Claim[],
  owner?: string,
): Promise<AcquireResult> {
  const conflicts: LockConflict[] = [];
  for (const { model, ids, scope } of claims) {
    const owners = await locks.owners(model, ids === "all" ? [] : ids, scope);
    const others = [...owners].filter(([, holder]) => holder !== owner);
    conflicts.push(...others.map(([id, holder]) => ({ model, id, owner: holder })));
  }
  return conflicts.length === 0
    ? { kind: "GRANTED" }
    : { kind: "CONFLICT", conflicts, totalConflicts: conflicts.length };
}
