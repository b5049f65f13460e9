import fc from "fast-check";
import { expect, it } from "vitest";
import type { AcquireResult } from "../../src/core/locks/lock-store.ts";
import { describeLocks } from "./describe-worlds.ts";
import { createLockModel, heldNames, lockName } from "./lock-model.ts";
import type { LockModel, Obstacles } from "./lock-model.ts";
import { checkInLanes, RUNS_TIMEOUT_MS } from "./lock-runs.ts";
import { arbitraryStep, askStore, fitStep } from "./lock-steps.ts";
import type { LockStep } from "./lock-steps.ts";
import { lockVerbs, newModel, newOwner } from "./lock-verbs.ts";

const OWNER_COUNT = 4;

/** An actor's step. A vanished actor does nothing until another one releases its locks. */
const arbitraryTurn = fc.record({
  step: arbitraryStep,
  owner: fc.nat(OWNER_COUNT - 1),
  vanishes: fc.constantFrom(false, false, false, false, false, false, false, false, true),
});
type Turn = typeof arbitraryTurn extends fc.Arbitrary<infer T> ? T : never;

/** One run of steps on the store and on the model. */
interface Run {
  readonly name: string;
  readonly owners: readonly string[];
  readonly vanished: Set<number>;
  model: LockModel;
}

class RolledBack extends Error {}

/** Does the step on the model. @returns the conflicts */
function applyStep(model: LockModel, owner: number, { verb, claims }: LockStep): Obstacles {
  switch (verb) {
    case "acquire":
    case "acquireOrWait":
    case "acquireFree":
      return model[verb](owner, claims);
    case "acquireWaiting":
      return model.acquireWaiting(owner);
    case "guard":
      return model.guard(claims);
    case "release":
      model.release(owner);
      return new Map();
  }
}

/** The store names every conflict in order, each with one of its owners. */
function expectConflicts(result: AcquireResult, expected: Obstacles, owners: readonly string[]): void {
  const conflicts = result.kind === "GRANTED" ? [] : result.conflicts;
  expect(conflicts.map(lockName).toSorted()).toEqual([...expected.keys()].toSorted());
  expect(result.kind === "GRANTED" ? 0 : result.totalConflicts).toBe(expected.size);
  for (const conflict of conflicts) {
    expect(expected.get(lockName(conflict))).toContain(owners.indexOf(conflict.owner));
  }
}

describeLocks("lock store against its model", (world) => {
  const { release } = lockVerbs(world);

  const heldBy = async (run: Run, owner: number): Promise<readonly string[]> =>
    heldNames(await world().locks.heldBy(run.owners[owner] ?? ""));

  const takeStep = async (run: Run, owner: number, wanted: LockStep): Promise<void> => {
    const step = fitStep(wanted, run.model, owner, run.name);
    const next = run.model.copy();
    const expected = applyStep(next, owner, step);
    const attempt = world().unitOfWork.run(async (transaction) => {
      const result = await askStore(world().locks, transaction, run.owners[owner] ?? "", step);
      expectConflicts(result, expected, run.owners);
      if (!step.isKept) {
        throw new RolledBack();
      }
    });
    await attempt.catch((error: unknown) => {
      if (!(error instanceof RolledBack)) {
        throw error;
      }
    });
    run.model = step.isKept ? next : run.model;
    expect(await heldBy(run, owner)).toEqual(run.model.heldBy(owner));
  };

  const takeTurn = async (run: Run, { step, owner, vanishes }: Turn): Promise<void> => {
    const isGone = run.vanished.has(owner);
    if (isGone && vanishes) {
      run.vanished.delete(owner);
      await takeStep(run, owner, { verb: "release", claims: [], isKept: true });
    } else if (!isGone) {
      await takeStep(run, owner, step);
      if (vanishes) {
        run.vanished.add(owner);
      }
    }
  };

  /** All holders release, and each waiting actor gets its turn. */
  const letAllFinish = async (run: Run): Promise<void> => {
    const all = run.owners.map((_, owner) => owner);
    for (let waiting = all.filter(run.model.isWaiting); waiting.length > 0;) {
      for (const owner of all.filter((one) => !run.model.isWaiting(one))) {
        await takeStep(run, owner, { verb: "release", claims: [], isKept: true });
      }
      for (const owner of waiting.toReversed()) {
        await takeStep(run, owner, { verb: "acquireWaiting", claims: [], isKept: true });
      }
      const { isWaiting } = run.model;
      const left = waiting.filter((owner) => isWaiting(owner));
      expect(left.length).toBeLessThan(waiting.length);
      waiting = left;
    }
  };

  it(
    "agrees with the model after any run of claims, waits, guards, releases and deaths",
    async () => {
      expect.hasAssertions();
      await checkInLanes(fc.array(arbitraryTurn, { minLength: 1, maxLength: 20 }), async (turns) => {
        const owners = Array.from({ length: OWNER_COUNT }, newOwner);
        const run: Run = { name: newModel("Run"), owners, vanished: new Set(), model: createLockModel() };
        try {
          for (const turn of turns) {
            await takeTurn(run, turn);
          }
          for (const owner of owners.keys()) {
            expect(await heldBy(run, owner)).toEqual(run.model.heldBy(owner));
          }
          await letAllFinish(run);
        } finally {
          await Promise.all(owners.map((owner) => release(owner)));
        }
      });
    },
    RUNS_TIMEOUT_MS,
  );
});
