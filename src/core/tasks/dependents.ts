import type { Claim } from "../locks/claim.ts";
import type { LockStore } from "../locks/lock-store.ts";
import type { Transaction } from "../transactions/transaction.ts";

/** The records that a task changes besides its own, such as those that are deleted with them. */
export interface Dependents {
  /** The models that may have dependent records. */
  readonly models: readonly string[];
  /**
   * The records that depend on these now. Called in a transaction that has entered all models, the task's own too, so
   * that the answer holds until it is claimed: at the launch, and again when the turn of a WAITING task comes.
   */
  claims(transaction: Transaction, recordIds: readonly string[]): Promise<readonly Claim[]>;
}

/** A task and its dependents. */
interface Dependence {
  readonly dependents: Dependents;
  /** The claims on the task's own records. */
  readonly own: readonly Claim[];
  readonly recordIds: readonly string[];
}

/**
 * Enters all models and reads the dependents, without the task's own records. Every model gets a claim, if need be an
 * empty one, so that the stored task shows that it may have dependents.
 */
export async function readDependents(
  locks: Pick<LockStore, "enter">,
  transaction: Transaction,
  { dependents, own, recordIds }: Dependence,
): Promise<readonly Claim[]> {
  const models = new Set([...own.map(({ model }) => model), ...dependents.models]);
  await locks.enter(transaction, [...models]);
  const claims = withoutOwn(await dependents.claims(transaction, recordIds), own);
  const named = new Set(claims.map(({ model }) => model));
  const unnamed = dependents.models.filter((model) => !named.has(model));
  return [...claims, ...unnamed.map((model): Claim => ({ model, ids: [] }))];
}

/** A record is claimed once, under the scope of the task's own claim. */
function withoutOwn(claims: readonly Claim[], own: readonly Claim[]): readonly Claim[] {
  const owned = new Map<string, Set<string>>();
  for (const { model, ids } of own) {
    if (ids !== "all") {
      owned.set(model, new Set([...(owned.get(model) ?? []), ...ids]));
    }
  }
  return claims.map((claim) =>
    claim.ids === "all"
      ? claim
      : { ...claim, ids: claim.ids.filter((id) => !owned.get(claim.model)?.has(id)) },
  );
}
