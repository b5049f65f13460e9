import type { Claim } from "../locks/claim.ts";
import type { LockStore } from "../locks/lock-store.ts";
import type { Transaction } from "../transactions/transaction.ts";

/** What a task changes besides the records that it is launched on, such as those that go with them. */
export interface Dependents {
  /** The models in which there may be any. */
  readonly models: readonly string[];
  /**
   * What hangs on the records now. Asked within a transaction that has entered all models, the task's own too, so that
   * the answer holds until it is claimed; at the launch, and again when a task's turn comes that stood in line.
   */
  claims(transaction: Transaction, recordIds: readonly string[]): Promise<readonly Claim[]>;
}

/** Whose dependents are read. */
interface Dependence {
  readonly dependents: Dependents;
  /** What the task claims for its own sake. */
  readonly own: readonly Claim[];
  readonly recordIds: readonly string[];
}

/**
 * Enters all models and reads the dependents, without what is the task's own. Every model is named, so that what is
 * kept with the task tells that it may have some even while it has none.
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
