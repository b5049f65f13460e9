import type { Claim } from "../../src/core/locks/claim.ts";
import type { AcquireResult, LockConflict } from "../../src/core/locks/lock-store.ts";
import { createId } from "../../src/kernel/ids.ts";
import type { PostgresWorld } from "./postgres-world.ts";

export const GRANTED: AcquireResult = { kind: "GRANTED" };

/** The refusal with these conflicts. */
export function refusedBy(...conflicts: readonly LockConflict[]): AcquireResult {
  return { kind: "CONFLICT", conflicts, totalConflicts: conflicts.length };
}

let modelCount = 0;

/** A model that no other test uses. */
export function newModel(name = "Book"): string {
  modelCount += 1;
  return `${name}${modelCount}`;
}

/** A new owner. */
export function newOwner(): string {
  return createId(new Date());
}

/** Consecutive ids. */
export function numbers(count: number, start = 1): string[] {
  return Array.from({ length: count }, (_, at) => String(start + at));
}

/** The lock store's methods, each in its own transaction. */
export interface LockVerbs {
  acquire(owner: string, ...claims: Claim[]): Promise<AcquireResult>;
  acquireOrWait(owner: string, ...claims: Claim[]): Promise<AcquireResult>;
  acquireFree(owner: string, ...claims: Claim[]): Promise<readonly LockConflict[]>;
  acquireWaiting(owner: string): Promise<AcquireResult>;
  guard(...claims: Claim[]): Promise<AcquireResult>;
  release(owner: string): Promise<void>;
}

export function lockVerbs(world: () => PostgresWorld): LockVerbs {
  return {
    acquire: (owner, ...claims) =>
      world().unitOfWork.run((transaction) => world().locks.acquire(transaction, owner, claims)),
    acquireOrWait: (owner, ...claims) =>
      world().unitOfWork.run((transaction) => world().locks.acquireOrWait(transaction, owner, claims)),
    acquireFree: (owner, ...claims) =>
      world().unitOfWork.run((transaction) => world().locks.acquireFree(transaction, owner, claims)),
    acquireWaiting: (owner) =>
      world().unitOfWork.run((transaction) => world().locks.acquireWaiting(transaction, owner)),
    guard: (...claims) => world().unitOfWork.run((transaction) => world().locks.guard(transaction, claims)),
    release: (owner) => world().unitOfWork.run((transaction) => world().locks.release(transaction, owner)),
  };
}
