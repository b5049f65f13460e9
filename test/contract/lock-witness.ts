import type { Claim } from "../../src/core/locks/claim.ts";
import { covers, createLockModel, HELD, meets, toMarks } from "./lock-model.ts";
import type { LockMark, LockModel } from "./lock-model.ts";
import type { LockStep } from "./lock-steps.ts";

/** One of many who claim at once. */
export interface LockActor {
  readonly owner: number;
  /** What is surely the actor's own: kept of its committed transactions. */
  kept: LockModel;
  /** What is surely its own until its open transaction ends. */
  pending: readonly LockMark[];
  /** What its open transaction guards. */
  guarded: readonly LockMark[];
}

/**
 * Watches actors whose transactions are open at the same time. It notes that something is held only after the store
 * said so, and forgets it before the store can hear of the end: what overlaps here overlapped there.
 */
export interface LockWitness {
  readonly actors: readonly LockActor[];
  /**
   * Notes what the store answered in the actor's open transaction.
   * @param taken what a claim was granted
   * @throws Error when somebody else surely holds any of it, or stands in line for it before
   */
  granted(actor: LockActor, taken: readonly Claim[]): void;
  refused(actor: LockActor, step: LockStep): void;
  guards(actor: LockActor, claims: readonly Claim[]): void;
  /** To be called right before the transaction ends. */
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
      // A guard has no owner, and so nothing of its own.
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
