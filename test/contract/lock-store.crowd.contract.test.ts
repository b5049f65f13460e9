import fc from "fast-check";
import { expect, it } from "vitest";
import type { Claim } from "../../src/core/locks/claim.ts";
import { freeOf, mergeClaims } from "../../src/core/locks/claim.ts";
import type { AcquireResult } from "../../src/core/locks/lock-store.ts";
import { describeLocks } from "./describe-worlds.ts";
import { createLockModel, heldNames } from "./lock-model.ts";
import type { LockModel } from "./lock-model.ts";
import { checkInLanes, RUNS_TIMEOUT_MS } from "./lock-runs.ts";
import { arbitraryStep, askStore, fitStep } from "./lock-steps.ts";
import type { LockStep } from "./lock-steps.ts";
import { lockVerbs, newModel, newOwner } from "./lock-verbs.ts";
import { createLockWitness } from "./lock-witness.ts";
import type { LockActor, LockWitness } from "./lock-witness.ts";

/** The scripts of several actors. Each runs its transactions in order, at the same time as the others. */
const arbitraryScripts = fc.array(
  fc.array(
    // The number of looks before a transaction ends, so that it stays open while others go on.
    fc.record({ step: arbitraryStep, lookCount: fc.nat(3) }),
    { minLength: 1, maxLength: 5 },
  ),
  { minLength: 2, maxLength: 6 },
);

interface Crowd {
  readonly name: string;
  readonly owners: readonly string[];
  readonly witness: LockWitness;
}

class RolledBack extends Error {}

describeLocks("lock store in a crowd", (world) => {
  const { release } = lockVerbs(world);

  const note = ({ witness }: Crowd, actor: LockActor, step: LockStep, result: AcquireResult): void => {
    const taken = takenBy(actor, step, result);
    if (step.verb === "guard") {
      witness.guards(actor, taken ?? []);
    } else if (taken === undefined) {
      witness.refused(actor, step);
    } else if (step.verb !== "release") {
      witness.granted(actor, taken);
    }
  };

  /** Every named owner is another actor; a free record has no owner. */
  const look = async ({ name, owners }: Crowd): Promise<void> => {
    const held = await world().locks.owners(`${name} A`, ["1", "2", "10"]);
    expect(owners).toEqual(expect.arrayContaining([...held.values()]));
  };

  const takeStep = async (
    crowd: Crowd,
    actor: LockActor,
    wanted: LockStep,
    lookCount: number,
  ): Promise<void> => {
    const owner = crowd.owners[actor.owner] ?? "";
    const step = fitStep(wanted, actor.kept, actor.owner, crowd.name);
    const before = actor.kept;
    const attempt = world().unitOfWork.run(async (transaction) => {
      const result = await askStore(world().locks, transaction, owner, step);
      note(crowd, actor, step, result);
      const next = step.isKept ? afterStep(actor, step, result) : before;
      for (let looks = 0; looks < lookCount; looks += 1) {
        await look(crowd);
      }
      crowd.witness.ends(actor, next);
      if (!step.isKept) {
        throw new RolledBack();
      }
    });
    await attempt.catch((error: unknown) => {
      if (!(error instanceof RolledBack)) {
        throw error;
      }
    });
    const held = heldNames(await world().locks.heldBy(owner));
    expect(held).toEqual(actor.kept.heldBy(actor.owner));
  };

  /** All holders release at once, and all waiting actors try again at once, until each had its turn. */
  const letAllFinish = async (crowd: Crowd): Promise<void> => {
    const { actors } = crowd.witness;
    const all = (verb: LockStep["verb"], some: readonly LockActor[]): Promise<unknown> =>
      Promise.all(some.map((actor) => takeStep(crowd, actor, { verb, claims: [], isKept: true }, 0)));
    const isWaiting = ({ kept, owner }: LockActor): boolean => kept.isWaiting(owner);
    for (let waiting = actors.filter(isWaiting); waiting.length > 0;) {
      await all(
        "release",
        actors.filter((actor) => !isWaiting(actor)),
      );
      await all("acquireWaiting", waiting);
      const left = waiting.filter(isWaiting);
      expect(left.length).toBeLessThan(waiting.length);
      waiting = left;
    }
  };

  it(
    "gives each record one owner, leaves no trace of refused claims, and gives every waiter its turn in order",
    async () => {
      expect.hasAssertions();
      await checkInLanes(
        arbitraryScripts,
        async (scripts) => {
          const owners = scripts.map(newOwner);
          const crowd: Crowd = {
            name: newModel("Crowd"),
            owners,
            witness: createLockWitness(scripts.length),
          };
          try {
            await Promise.all(
              crowd.witness.actors.map(async (actor) => {
                for (const { step, lookCount } of scripts[actor.owner] ?? []) {
                  await takeStep(crowd, actor, step, lookCount);
                }
              }),
            );
            await letAllFinish(crowd);
          } finally {
            await Promise.all(owners.map((owner) => release(owner)));
          }
        },
        // The same scripts may interleave otherwise the next time.
        { share: 0.5, endOnFailure: true },
      );
    },
    RUNS_TIMEOUT_MS,
  );
});

/** The claims that the actor was granted; undefined if it was refused. */
function takenBy(
  actor: LockActor,
  { verb, claims }: LockStep,
  result: AcquireResult,
): readonly Claim[] | undefined {
  if (verb === "acquireFree") {
    return freeOf(mergeClaims(claims), result.kind === "GRANTED" ? [] : result.conflicts);
  }
  const wanted = verb === "acquireWaiting" ? actor.kept.waitsFor(actor.owner) : claims;
  return result.kind === "GRANTED" ? wanted : undefined;
}

/** The actor's locks once the step is committed. */
function afterStep(actor: LockActor, step: LockStep, result: AcquireResult): LockModel {
  const next = actor.kept.copy();
  if (step.verb === "guard") {
    return next;
  }
  if (step.verb === "release") {
    next.release(actor.owner);
    return next;
  }
  const taken = takenBy(actor, step, result);
  if (taken !== undefined) {
    next.acquire(actor.owner, taken);
    return next;
  }
  return step.verb === "acquireOrWait" ? createLockModel([...next.marks, ...actor.pending]) : next;
}
