import type { Claim } from "../../src/core/locks/claim.ts";
import type { LockConflict } from "../../src/core/locks/lock-store.ts";

/** Stands for the whole model where there is no record's id. */
const WHOLE = "*";

/** The rules of locks in their plainest form: one map from "model id" to its holder. Nothing is ever rolled back. */
export interface LockModel {
  /** What is in the way of the claims; `asking` undefined for a guard. */
  conflicts(asking: number | undefined, claims: readonly Claim[]): ReadonlySet<string>;
  /** Takes the claims, unless something is in the way. */
  acquire(owner: number, claims: readonly Claim[]): void;
  release(owner: number, claims: readonly Claim[]): void;
  /** In order. */
  heldBy(owner: number): readonly string[];
}

/** How the model names a lock: "model id". */
export function lockName({ model, id }: Pick<LockConflict, "model" | "id">): string {
  return `${model} ${id ?? WHOLE}`;
}

/** The names of all that the claims hold. */
export function lockNames(claims: readonly Claim[]): readonly string[] {
  return claims
    .flatMap(({ model, ids }) => (ids === "all" ? [null] : ids).map((id) => lockName({ model, id })))
    .toSorted();
}

export function createLockModel(): LockModel {
  const holders = new Map<string, number>();
  const heldBy = (owner: number): string[] =>
    [...holders].flatMap(([name, holder]) => (holder === owner ? [name] : [])).toSorted();
  const conflicts: LockModel["conflicts"] = (asking, claims) =>
    new Set(
      [...holders]
        .filter(([name, holder]) => holder !== asking && claims.some((claim) => meets(claim, name)))
        .map(([name]) => name),
    );
  const drop = (owner: number, isDropped: (name: string) => boolean): void =>
    heldBy(owner)
      .filter(isDropped)
      .forEach((name) => holders.delete(name));
  return {
    conflicts,
    heldBy,
    acquire(owner, claims) {
      if (conflicts(owner, claims).size > 0) {
        return;
      }
      for (const { model } of claims.filter(({ ids }) => ids === "all")) {
        drop(owner, (name) => name.startsWith(`${model} `));
        holders.set(lockName({ model, id: null }), owner);
      }
      const fresh = lockNames(claims).filter((name) => !holders.has(wholeOf(name)));
      fresh.forEach((name) => holders.set(name, owner));
    },
    release(owner, claims) {
      const named = new Set(lockNames(claims));
      drop(owner, (name) => named.has(name) || named.has(wholeOf(name)));
    },
  };
}

function meets({ model, ids }: Claim, name: string): boolean {
  const isOfModel = name.startsWith(`${model} `) && ids.length > 0;
  return isOfModel && (ids === "all" || name === wholeOf(name) || lockNames([{ model, ids }]).includes(name));
}

/** The name of the whole model that the lock is of. */
function wholeOf(name: string): string {
  return lockName({ model: name.slice(0, name.indexOf(" ")), id: null });
}
