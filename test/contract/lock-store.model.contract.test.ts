import fc from "fast-check";
import { expect, it } from "vitest";
import type { Claim } from "../../src/core/locks/claim.ts";
import type { AcquireResult } from "../../src/core/locks/lock-store.ts";
import type { Transaction } from "../../src/core/transactions/transaction.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { createLockModel, lockName, lockNames } from "./lock-model.ts";
import type { LockModel } from "./lock-model.ts";
import { lockVerbs, newOwner } from "./lock-verbs.ts";

const OWNER_COUNT = 3;
const MODELS = ["A", "B"];
const EVERYTHING: readonly Claim[] = MODELS.map((model) => ({ model, ids: "all" }));

const arbitraryIds = fc.uniqueArray(fc.constantFrom("1", "2", "10", "é", "😀", "\ufb01"), { maxLength: 4 });
const arbitraryClaims = fc.array(
  fc.record({
    model: fc.constantFrom(...MODELS),
    ids: fc.oneof(
      { weight: 4, arbitrary: arbitraryIds },
      { weight: 1, arbitrary: fc.constant("all" as const) },
    ),
  }),
  { minLength: 1, maxLength: 3 },
);
/** What someone does in a transaction, and whether that is kept or rolled back. */
const arbitraryStep = fc.record({
  verb: fc.constantFrom("acquire", "acquire", "guard", "releaseSome", "releaseAll"),
  owner: fc.nat(OWNER_COUNT - 1),
  claims: arbitraryClaims,
  isKept: fc.constantFrom(true, true, true, true, false),
});
type Step = typeof arbitraryStep extends fc.Arbitrary<infer T> ? T : never;

class RolledBack extends Error {}

function conflictNames(result: AcquireResult): ReadonlySet<string> {
  return new Set(result.isGranted ? [] : result.conflicts.map(lockName));
}

describeWorlds("lock store against its model", (world) => {
  const { acquire, release } = lockVerbs(world);

  /** What the store says is in the way; nothing where the verb asks for nothing. */
  const ask = async (
    transaction: Transaction,
    owner: string,
    { verb, claims }: Step,
  ): Promise<ReadonlySet<string>> => {
    switch (verb) {
      case "acquire":
        return conflictNames(await world().locks.acquire(transaction, owner, claims));
      case "guard":
        return conflictNames(await world().locks.guard(transaction, claims));
      case "releaseSome":
      case "releaseAll":
        await world().locks.release(transaction, owner, verb === "releaseSome" ? claims : undefined);
        return new Set();
    }
  };
  const expectedConflicts = (model: LockModel, { verb, owner, claims }: Step): ReadonlySet<string> => {
    switch (verb) {
      case "acquire":
        return model.conflicts(owner, claims);
      case "guard":
        return model.conflicts(undefined, claims);
      case "releaseSome":
      case "releaseAll":
        return new Set();
    }
  };
  const applyTo = (model: LockModel, { verb, owner, claims }: Step): void => {
    if (verb === "acquire") {
      model.acquire(owner, claims);
    } else if (verb !== "guard") {
      model.release(owner, verb === "releaseSome" ? claims : EVERYTHING);
    }
  };
  const takeStep = async (model: LockModel, owners: readonly string[], step: Step): Promise<void> => {
    const run = world().unitOfWork.run(async (transaction) => {
      expect(await ask(transaction, owners[step.owner] ?? "", step)).toEqual(expectedConflicts(model, step));
      if (!step.isKept) {
        throw new RolledBack();
      }
    });
    await run.catch((error: unknown) => {
      if (!(error instanceof RolledBack)) {
        throw error;
      }
    });
    if (step.isKept) {
      applyTo(model, step);
    }
  };
  const heldBy = (owners: readonly string[]): Promise<(readonly string[])[]> =>
    Promise.all(owners.map(async (owner) => lockNames(await world().locks.heldBy(owner))));

  it("agrees after any run of claims, guards and releases, kept or rolled back", async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryStep, { minLength: 1, maxLength: 25 }), async (steps) => {
        const owners = Array.from({ length: OWNER_COUNT }, newOwner);
        const model = createLockModel();
        try {
          for (const step of steps) {
            await takeStep(model, owners, step);
            expect(await heldBy(owners)).toEqual(owners.map((_, at) => model.heldBy(at)));
          }
        } finally {
          await Promise.all(owners.map((owner) => release(owner)));
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 8_000 },
    );
  });

  it("never has two owners of one record, whatever runs at once, and refuses nobody for nothing", async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryClaims, { minLength: 2, maxLength: 8 }), async (wanted) => {
        const owners = wanted.map(newOwner);
        try {
          const results = await Promise.all(wanted.map((claims, at) => acquire(owners[at] ?? "", ...claims)));
          const model = createLockModel();
          const granted = wanted.map((_, at) => results[at]?.isGranted ?? false);
          // The granted stand beside each other, and whoever was refused has one of them in the way.
          wanted.forEach((claims, at) => granted[at] && model.acquire(at, claims));
          expect(await heldBy(owners)).toEqual(owners.map((_, at) => model.heldBy(at)));
          expect(wanted.map((claims, at) => model.conflicts(at, claims).size === 0)).toEqual(granted);
        } finally {
          await Promise.all(owners.map((owner) => release(owner)));
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 8_000 },
    );
  });
});
