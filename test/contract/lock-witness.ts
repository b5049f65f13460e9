import type { Claim } from "../../src/core/locks/claim.ts";
import { covers, createLockModel, HELD, meets, toMarks } from "./lock-model.ts";
import type { LockMark, LockModel } from "./lock-model.ts";
import type { LockStep } from "./lock-steps.ts";

/** An actor that claims at the same time as others. */
export interface LockActor {
  readonly owner: number;
  /** Locks that the actor surely holds, from its committed transactions. */
  kept: LockModel;
  /** Locks that it surely holds until its open transaction ends. */
  pending: readonly LockMark[];
  /** Records that its open transaction guards. */
  guarded: readonly LockMark[];
}

/**
 * Watches actors whose transactions are open at the same time. It notes a lock after the store granted it, and forgets it before the transaction ends. So an overlap here is an overlap in the store.
 */
export interface LockWitness {
  readonly actors: readonly LockActor[];
  /**
   * Notes the store's answer in the actor's open transaction.
   * @param taken the granted claims
   * @throws Error when another actor surely holds any of it, or is before it in line
   */
  granted(actor: LockActor, taken: readonly Claim[]): void;
  refused(actor: LockActor, step: LockStep): void;
  guards(actor: LockActor, claims: readonly Claim[]): void;
  /** Call it right before the transaction ends. */
  ends(actor: LockActor, next: LockModel): void;
}

export function createLockWitness(count: number): LockWitness {
  const actors = Array.from({ length: count }, (_, owner): LockActor => ({
    owner,
    kept: createLockModel(),
    pending: [],
    guarded: [],
  }));
  const marksOfOthers = (actor: LockActor): readonly LockMark[] =>
    actors.filter((other) => other !== actor).flatMap(({ kept, pending }) => [...kept.marks, ...pending]);
  const refuse = (what: string, mine: readonly LockMark[], theirs: readonly LockMark[]): void => {
    const [violation] = theirs.filter((mark) => mine.some((one) => meets(one, mark)));
    if (violation !== undefined) {
      throw new Error(`${what} ${JSON.stringify(mine)} in spite of ${JSON.stringify(violation)}`);
    }
  };
  return {
    actors,
    granted(actor, taken) {
      const held = actor.kept.marks.filter((mark) => mark.place === HELD);
      const place = actor.kept.marks.find((mark) => mark.place !== HELD)?.place ?? Infinity;
      const fresh = toMarks(actor.owner, taken, HELD).filter(
        (one) => !held.some((mark) => covers(mark, one)),
      );
      refuse(
        "granted",
        fresh,
        marksOfOthers(actor).filter((mark) => mark.place < place),
      );
      refuse(
        "granted",
        fresh,
        actors.filter((other) => other !== actor).flatMap(({ guarded }) => guarded),
      );
      actor.pending = fresh;
    },
    refused(actor, { verb, claims }) {
      if (verb === "acquireOrWait") {
        const next = createLockModel();
        next.join(actor.owner, claims);
        actor.pending = next.marks;
      }
    },
    guards(actor, claims) {
      const marks = toMarks(actor.owner, claims, HELD);
      // A guard has no owner, so it has no locks.
      const held = [...actor.kept.marks, ...marksOfOthers(actor)].filter((mark) => mark.place === HELD);
      refuse("guarded", marks, held);
      actor.guarded = marks;
    },
    ends(actor, next) {
      actor.kept = next;
      actor.pending = [];
      actor.guarded = [];
    },
  };
}
