import type { RecordAnnouncement } from "../../events/record-announcement.ts";
import { MAX_NAMED_RECORDS } from "../../events/record-announcement.ts";
import type { RecordAnnouncer } from "../../events/record-announcer.ts";
import type { Claim } from "../../locks/claim.ts";
import { freeOf, mergeClaims } from "../../locks/claim.ts";
import type { AcquireResult, LockStore } from "../../locks/lock-store.ts";
import type { Transaction } from "../../transactions/transaction.ts";
import type { QuickSteps } from "./quick-steps.ts";

/**
 * Locks whose claims and releases are announced after the commit, if anybody listens. A claim is sent before its transaction's
 * caller goes on, so before anything of the task can be: no release overtakes it.
 */
export function announceLocks(locks: LockStore, announcer: RecordAnnouncer): LockStore {
  const announced =
    (acquire: LockStore["acquire"]): LockStore["acquire"] =>
    async (transaction, owner, claims) => {
      const result = await acquire(transaction, owner, claims);
      afterGrant(announcer, transaction, owner, result, () => claims);
      return result;
    };
  return {
    ...locks,
    acquire: announced((...call) => locks.acquire(...call)),
    acquireRunning: announced((...call) => locks.acquireRunning(...call)),
    acquireOrWait: announced((...call) => locks.acquireOrWait(...call)),
    async acquireFree(transaction, owner, claims) {
      const conflicts = await locks.acquireFree(transaction, owner, claims);
      afterGrant(announcer, transaction, owner, { kind: "GRANTED" }, () =>
        freeOf(mergeClaims(claims), conflicts),
      );
      return conflicts;
    },
    async acquireWaiting(transaction, owner, added) {
      const result = await locks.acquireWaiting(transaction, owner, added);
      if (result.kind === "GRANTED") {
        const held = await heldIfHeard(announcer, locks, owner, transaction);
        afterGrant(announcer, transaction, owner, result, () => held);
      }
      return result;
    },
    async release(transaction, owner) {
      const held = await heldIfHeard(announcer, locks, owner, transaction);
      await locks.release(transaction, owner);
      if (held.length > 0) {
        transaction.onCommit(() => announcer.send(announcementsOf("RELEASED", owner, held)));
      }
    },
    async releaseOrphans() {
      const owners = await locks.releaseOrphans();
      if (owners.length > 0) {
        await announcer.sendGaps();
      }
      return owners;
    },
  };
}

/** The same for whole steps. */
export function announceSteps(
  steps: QuickSteps,
  locks: Pick<LockStore, "heldBy">,
  announcer: RecordAnnouncer,
): QuickSteps {
  return {
    ...steps,
    async launch(task, event, claims, workerId) {
      const launched = await steps.launch(task, event, claims, workerId);
      if (launched) {
        await announcer.send(heardOf(announcer, announcementsOf("LOCKED", task.id, claims)));
      }
      return launched;
    },
    async settle(ending) {
      const held = await heldIfHeard(announcer, locks, ending.taskId);
      const settled = await steps.settle(ending);
      if (settled?.hadLocks === true && held.length > 0) {
        await announcer.send(announcementsOf("RELEASED", ending.taskId, held));
      }
      return settled;
    },
  };
}

function afterGrant(
  announcer: RecordAnnouncer,
  transaction: Transaction,
  owner: string,
  result: AcquireResult,
  claimsOf: () => readonly Claim[],
): void {
  if (result.kind === "GRANTED") {
    transaction.onCommit(() =>
      announcer.send(heardOf(announcer, announcementsOf("LOCKED", owner, claimsOf()))),
    );
  }
}

/** What the owner holds; nothing, and no statement, where nobody listens. */
async function heldIfHeard(
  announcer: RecordAnnouncer,
  locks: Pick<LockStore, "heldBy">,
  owner: string,
  transaction?: Transaction,
): Promise<readonly Claim[]> {
  if (!announcer.isHeard()) {
    return [];
  }
  const within = transaction === undefined ? {} : { transaction };
  return locks.heldBy(owner, { maxIds: MAX_NAMED_RECORDS, ...within });
}

function heardOf(
  announcer: RecordAnnouncer,
  announcements: readonly RecordAnnouncement[],
): readonly RecordAnnouncement[] {
  return announcements.filter(({ model }) => announcer.isHeard(model));
}

function announcementsOf(
  type: "LOCKED" | "RELEASED",
  taskId: string,
  claims: readonly Claim[],
): readonly RecordAnnouncement[] {
  return claims
    .filter(({ ids }) => ids.length > 0)
    .map(({ model, ids, scope: lockScope }) => ({ type, model, ids, taskId, lockScope }));
}
