import type { Claim } from "../locks/claim.ts";
import type { LockRefusal, LockStore } from "../locks/lock-store.ts";
import type { EffectPlan } from "../records/side-effects.ts";
import type { Transaction } from "../transactions/transaction.ts";

/**
 * No record has an empty id: a guard on it enters the model, and only a claim on the whole model conflicts with it.
 */
const NO_RECORD = "";

/**
 * Guards the claims, and enters the models of possible side effects in the same call, before any row is locked. One
 * call enters its models in a fixed order, as every claim does, so that none deadlocks with another. A model entered in
 * a second call could: a claim may hold it and wait for a model of the first.
 * @param owner whose own locks are not in the way
 */
export async function guardFirst(
  locks: Pick<LockStore, "guard">,
  transaction: Transaction,
  claims: readonly Claim[],
  affected: readonly string[],
  owner?: string,
): Promise<LockRefusal | undefined> {
  const entered = new Set(affected.filter((name) => claims.every((claim) => claim.model !== name)));
  const entering = [...entered].map((name): Claim => ({ model: name, ids: [NO_RECORD] }));
  const guard = await locks.guard(transaction, [...claims, ...entering], owner);
  if (guard.kind === "GRANTED") {
    return undefined;
  }
  // A task that holds a whole model is in the way only if the write changes records of that model, which is found out
  // later.
  const conflicts = guard.conflicts.filter(({ model }) => !entered.has(model));
  const passed = guard.conflicts.length - conflicts.length;
  return conflicts.length === 0
    ? undefined
    : { ...guard, conflicts, totalConflicts: guard.totalConflicts - passed };
}

/**
 * Guards the side effects of writes to the records, wave by wave. The transaction must have entered the models.
 * @param owner whose own locks are not in the way
 */
export async function guardEffects(
  locks: Pick<LockStore, "guard">,
  transaction: Transaction,
  effects: EffectPlan,
  ids: readonly string[],
  owner?: string,
): Promise<LockRefusal | undefined> {
  for (const id of ids) {
    for await (const claims of effects.waves(transaction, id)) {
      const guard = await locks.guard(transaction, claims, owner);
      if (guard.kind !== "GRANTED") {
        return guard;
      }
    }
  }
  return undefined;
}
