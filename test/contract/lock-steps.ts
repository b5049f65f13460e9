import fc from "fast-check";
import type { Claim } from "../../src/core/locks/claim.ts";
import type { AcquireResult, LockConflict, LockStore } from "../../src/core/locks/lock-store.ts";
import type { Transaction } from "../../src/core/transactions/transaction.ts";
import type { LockModel } from "./lock-model.ts";

/** The kinds of steps. */
export type LockVerb = "acquire" | "acquireOrWait" | "acquireFree" | "acquireWaiting" | "guard" | "release";

/** One transaction of an actor. */
export interface LockStep {
  readonly verb: LockVerb;
  readonly claims: readonly Claim[];
  /** If false, the transaction is rolled back, as when its process dies. */
  readonly isKept: boolean;
}

/** Each scope has its own records. A scoped claim names only those, a claim without a scope any. */
const IDS_BY_SCOPE: ReadonlyMap<string, readonly string[]> = new Map([
  ["", ["1", "2", "10", "é", "😀", "\ufb01"]],
  ["north", ["1", "2", "10"]],
  ["south", ["é", "😀", "\ufb01"]],
]);

function arbitraryClaim([scope, ids]: readonly [string, readonly string[]]): fc.Arbitrary<Claim> {
  return fc.record({
    model: fc.constantFrom("A", "B"),
    ids: fc.oneof(
      { weight: 5, arbitrary: fc.shuffledSubarray([...ids]) },
      { weight: 1, arbitrary: fc.constant("all" as const) },
    ),
    scope: fc.constant(scope),
  });
}

/** Claims on a few records, models and scopes, so that most of them conflict. fitStep gives each run its own models. */
const arbitraryClaims: fc.Arbitrary<readonly Claim[]> = fc
  .array(fc.oneof(...[...IDS_BY_SCOPE].map(arbitraryClaim)), { minLength: 1, maxLength: 3 })
  .map(withOneScopeARecord);

export const arbitraryStep: fc.Arbitrary<LockStep> = fc.record({
  verb: fc.constantFrom<LockVerb[]>(
    "acquire",
    "acquire",
    "acquireOrWait",
    "acquireOrWait",
    "acquireOrWait",
    "acquireWaiting",
    "acquireWaiting",
    "acquireFree",
    "guard",
    "release",
    "release",
  ),
  claims: arbitraryClaims,
  isKept: fc.constantFrom(true, true, true, true, false),
});

/** The step on the run's own models, changed to one that the owner may take: the port says which owners may wait. */
export function fitStep(step: LockStep, model: LockModel, owner: number, run: string): LockStep {
  const claims = step.claims.map((claim) => ({ ...claim, model: `${run} ${claim.model}` }));
  const isWaiting = model.isWaiting(owner);
  const isNew = !isWaiting && model.heldBy(owner).length === 0;
  if (step.verb === "acquireFree" && !isWaiting) {
    return { ...step, claims: inOneScope(claims) };
  }
  const isUnfit = step.verb === "acquireFree" || (step.verb === "acquireOrWait" && !isNew);
  return { ...step, claims, verb: isUnfit ? "acquireWaiting" : step.verb };
}

/** The store's answer to a step. A release is always granted. */
export async function askStore(
  locks: LockStore,
  transaction: Transaction,
  owner: string,
  { verb, claims }: LockStep,
): Promise<AcquireResult> {
  switch (verb) {
    case "acquire":
    case "acquireOrWait":
      return locks[verb](transaction, owner, claims);
    case "acquireFree":
      return toResult(await locks.acquireFree(transaction, owner, claims));
    case "acquireWaiting":
      return locks.acquireWaiting(transaction, owner);
    case "guard":
      return locks.guard(transaction, claims);
    case "release":
      await locks.release(transaction, owner);
      return { kind: "GRANTED" };
  }
}

function toResult(conflicts: readonly LockConflict[]): AcquireResult {
  return conflicts.length === 0
    ? { kind: "GRANTED" }
    : { kind: "CONFLICT", conflicts, totalConflicts: conflicts.length };
}

/** A record must not be named twice in one claim, with its scope and without. */
function withOneScopeARecord(claims: readonly Claim[]): readonly Claim[] {
  const seen = new Set<string>();
  return claims.map((claim) => {
    if (claim.ids === "all") {
      return claim;
    }
    const ids = claim.ids.filter((id) => !seen.has(`${claim.model} ${id}`));
    ids.forEach((id) => seen.add(`${claim.model} ${id}`));
    return { ...claim, ids };
  });
}

/** A conflict names no scope, so a claim on free records uses one scope. */
function inOneScope(claims: readonly Claim[]): readonly Claim[] {
  return claims.filter(({ scope }) => scope === claims[0]?.scope);
}
