import type { Claim } from "../../src/core/locks/claim.ts";
import type { LockConflict } from "../../src/core/locks/lock-store.ts";

/** A lock, or a place in line for one. */
export interface LockMark {
  readonly owner: number;
  readonly model: string;
  /** Null for the whole model. */
  readonly id: string | null;
  readonly scope: string;
  /** A place in line: it comes after every smaller one. {@link HELD} comes before all. */
  readonly place: number;
}

/** The place of an owner that holds the lock. */
export const HELD = 0;

const NO_OWNER = -1;

/** The conflicting locks by name, each with the owners that the store may name for it. A model held in several scopes has several. */
export type Obstacles = ReadonlyMap<string, ReadonlySet<number>>;

/** The rules of locks in their simplest form: one list of marks. It has no rollback; tests copy it instead. */
export interface LockModel {
  readonly marks: readonly LockMark[];
  copy(): LockModel;
  /** The conflicts of a guard. */
  guard(claims: readonly Claim[]): Obstacles;
  acquire(owner: number, claims: readonly Claim[]): Obstacles;
  acquireOrWait(owner: number, claims: readonly Claim[]): Obstacles;
  acquireFree(owner: number, claims: readonly Claim[]): Obstacles;
  acquireWaiting(owner: number): Obstacles;
  /** Puts the owner in line. */
  join(owner: number, claims: readonly Claim[]): void;
  /** Releases all locks and the place in line. */
  release(owner: number): void;
  /** Whether the owner stands in line. */
  isWaiting(owner: number): boolean;
  /** The names that it waits for in line. */
  waitsFor(owner: number): readonly Claim[];
  /** Names with scopes, in order. */
  heldBy(owner: number): readonly string[];
}

/** How a conflict names a lock: "model id". */
export function lockName({ model, id }: Pick<LockConflict, "model" | "id">): string {
  return `${model} ${id ?? "*"}`;
}

/** The names with scopes of everything that the claims hold, in order. */
export function heldNames(claims: readonly Claim[]): readonly string[] {
  return toMarks(NO_OWNER, claims, HELD).map(heldName).toSorted();
}

/** Whether two marks of different owners conflict. */
export function meets(one: LockMark, other: LockMark): boolean {
  if (one.model !== other.model) {
    return false;
  }
  return one.id !== null && other.id !== null ? one.id === other.id : isSameScope(one, other);
}

/** Whether an owner of the first also holds the second. */
export function covers(held: LockMark, wanted: LockMark): boolean {
  if (held.model !== wanted.model) {
    return false;
  }
  return held.id === null ? ["", wanted.scope].includes(held.scope) : held.id === wanted.id;
}

/** The marks of the claims, without those that another of them covers. */
export function toMarks(owner: number, claims: readonly Claim[], place: number): readonly LockMark[] {
  const marks = claims.flatMap(({ model, ids, scope = "" }) =>
    (ids === "all" ? [null] : ids).map((id) => ({ owner, model, id, scope, place })),
  );
  const rank = ({ id, scope }: LockMark): number => (id === null ? (scope === "" ? 0 : 1) : 2);
  const inOrder = marks.toSorted((a, b) => rank(a) - rank(b));
  return inOrder.filter((mark, at) => !inOrder.slice(0, at).some((before) => covers(before, mark)));
}

let lastPlace = HELD;

export function createLockModel(initial: readonly LockMark[] = []): LockModel {
  let marks = [...initial];
  const isOwn = (owner: number, mark: LockMark): boolean => mark.owner === owner && mark.place === HELD;
  const isInLine = (owner: number, mark: LockMark): boolean => mark.owner === owner && mark.place !== HELD;
  const obstacles = (owner: number | undefined, wanted: readonly LockMark[], place: number): Obstacles => {
    const asked = wanted.filter((one) => !marks.some((mark) => isOwn(one.owner, mark) && covers(mark, one)));
    const found = marks.filter(
      (mark) => mark.owner !== owner && mark.place < place && asked.some((one) => meets(one, mark)),
    );
    return firstOfEach(found);
  };
  const placeOf = (owner: number): number => marks.find((mark) => isInLine(owner, mark))?.place ?? Infinity;
  const take = (owner: number, wanted: readonly LockMark[]): void => {
    if (wanted.length > 0) {
      marks = marks.filter((mark) => !isInLine(owner, mark));
    }
    const held = marks.filter((mark) => isOwn(owner, mark));
    for (const mark of wanted.filter((one) => !held.some((own) => covers(own, one)))) {
      marks = [...marks.filter((own) => !(isOwn(owner, own) && covers(mark, own))), mark];
    }
  };
  const model: LockModel = {
    get marks() {
      return marks;
    },
    copy: () => createLockModel(marks),
    guard: (claims) => obstacles(undefined, toMarks(NO_OWNER, claims, HELD), HELD + 1),
    acquire(owner, claims) {
      const wanted = toMarks(owner, claims, HELD);
      const found = obstacles(owner, wanted, placeOf(owner));
      if (found.size === 0) {
        take(owner, wanted);
      }
      return found;
    },
    acquireOrWait(owner, claims) {
      const found = model.acquire(owner, claims);
      if (found.size > 0) {
        model.join(owner, claims);
      }
      return found;
    },
    acquireFree(owner, claims) {
      const wanted = toMarks(owner, claims, HELD);
      const found = obstacles(owner, wanted, placeOf(owner));
      const isFree = (mark: LockMark): boolean => obstacles(owner, [mark], placeOf(owner)).size === 0;
      take(owner, wanted.filter(isFree));
      return found;
    },
    acquireWaiting: (owner) =>
      model.acquire(owner, marks.filter((mark) => isInLine(owner, mark)).map(toClaim)),
    join(owner, claims) {
      lastPlace += 1;
      marks = [...marks, ...toMarks(owner, claims, lastPlace)];
    },
    release(owner) {
      marks = marks.filter((mark) => mark.owner !== owner);
    },
    waitsFor: (owner) => marks.filter((mark) => isInLine(owner, mark)).map(toClaim),
    isWaiting: (owner) => marks.some((mark) => isInLine(owner, mark)),
    heldBy: (owner) =>
      marks
        .filter((mark) => isOwn(owner, mark))
        .map(heldName)
        .toSorted(),
  };
  return model;
}

/** The first in line of each lock. A model held in several scopes has several. */
function firstOfEach(found: readonly LockMark[]): Obstacles {
  const places = new Map<string, number>();
  for (const mark of found) {
    const name = lockName(mark);
    places.set(name, Math.min(mark.place, places.get(name) ?? Infinity));
  }
  const owners = ([name, place]: readonly [string, number]): readonly [string, ReadonlySet<number>] => [
    name,
    new Set(found.flatMap((mark) => (lockName(mark) === name && mark.place === place ? [mark.owner] : []))),
  ];
  return new Map([...places].map(owners));
}

function heldName({ scope, ...mark }: LockMark): string {
  return `${lockName(mark)} ${scope}`;
}

function toClaim({ model, id, scope }: LockMark): Claim {
  return { model, ids: id === null ? "all" : [id], scope };
}

function isSameScope(one: LockMark, other: LockMark): boolean {
  return one.scope === "" || other.scope === "" || one.scope === other.scope;
}
