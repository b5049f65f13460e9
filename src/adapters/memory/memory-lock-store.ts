import { mergeClaims, withoutEmptyClaims } from "../../core/locks/claim.ts";
import type { Claim } from "../../core/locks/claim.ts";
import { freeOf } from "../../core/locks/free-of.ts";
import type { AcquireResult, LockConflict, LockStore } from "../../core/locks/lock-store.ts";
import { sortIds } from "../../core/locks/sort-ids.ts";
import type { Transaction } from "../../core/transactions/transaction.ts";
import { findLockConflicts, GUARDIAN, lastInLine, isSameScope, toAcquireResult } from "./lock-conflicts.ts";
import { createLockTable, createLockTableDraft } from "./lock-table.ts";
import type { CommittedLockTable, LockRow, LockTable, LockTableDraft } from "./lock-table.ts";
import { createMemoryGate } from "./memory-gate.ts";
import type { GateMode } from "./memory-gate.ts";
import { requiredMemory } from "./memory-transaction.ts";
import type { MemoryTransaction } from "./memory-transaction.ts";

/** Locks of one process. Claims and guards wait for the transactions in their way, as those in PostgreSQL do. */
export function createMemoryLockStore(): LockStore {
  const table = createLockTable();
  const { enterModels, enterOwner } = createEntrance(table);
  let lastTicket = 0;

  return {
    ...createLookUps(table),
    async enter(transaction, models) {
      await enterModels(transaction, models, "EXCLUSIVE");
    },
    async acquire(transaction, owner, wanted) {
      const claims = mergeClaims(wanted);
      return acquire(await enterModels(transaction, modelsOf(claims), "EXCLUSIVE"), owner, claims);
    },
    async acquireOrWait(transaction, owner, wanted) {
      const claims = mergeClaims(wanted);
      const draft = await enterModels(transaction, modelsOf(claims), "EXCLUSIVE");
      const result = acquire(draft, owner, claims);
      if (result.kind !== "GRANTED") {
        lastTicket += 1;
        joinLine(draft, owner, claims, lastTicket);
      }
      return result;
    },
    async acquireFree(transaction, owner, wanted) {
      const claims = mergeClaims(wanted);
      const draft = await enterModels(transaction, modelsOf(claims), "EXCLUSIVE");
      const conflicts = findConflicts(draft, owner, claims);
      grant(draft, owner, withoutEmptyClaims(freeOf(claims, conflicts)));
      return conflicts;
    },
    async acquireWaiting(transaction, owner, added = []) {
      const inLine = toClaims(waitingRows(await enterOwner(transaction, owner), owner));
      const claims = inLine.length === 0 ? [] : mergeClaims([...inLine, ...added]);
      const draft = await enterModels(transaction, modelsOf(claims), "EXCLUSIVE");
      const result = acquire(draft, owner, claims);
      if (result.kind !== "GRANTED") {
        lastTicket += 1;
        joinLine(draft, owner, claims, lastTicket);
      }
      return result;
    },
    lastBefore: async (transaction, owner) => findLastBefore(await enterOwner(transaction, owner), owner),
    async guard(transaction, wanted, owner) {
      const claims = mergeClaims(wanted);
      const draft = await enterModels(transaction, modelsOf(claims), "SHARED");
      return toAcquireResult(findLockConflicts(draft, claims, { ...GUARDIAN, owner }));
    },
    async release(transaction, owner, some) {
      if (some === undefined) {
        const draft = await enterOwner(transaction, owner);
        draft.rowsOfOwner(owner).forEach((row) => draft.remove(row));
        return;
      }
      const claims = mergeClaims(some);
      const draft = await enterModels(transaction, modelsOf(claims), "EXCLUSIVE");
      claims.forEach((claim) => letGo(draft, owner, claim));
    },
  };
}

/** The ways into the table: each waits for the open transactions in its way. */
function createEntrance(table: CommittedLockTable): {
  enterModels(transaction: Transaction, models: readonly string[], mode: GateMode): Promise<LockTableDraft>;
  /** Of tries and releases of one waiter each is over before the next: who let go is not granted anything. */
  enterOwner(transaction: Transaction, owner: string): Promise<LockTableDraft>;
} {
  const gate = createMemoryGate();
  const drafts = new WeakMap<MemoryTransaction, LockTableDraft>();
  const draftOf = (transaction: MemoryTransaction): LockTableDraft => {
    const draft = drafts.get(transaction) ?? createLockTableDraft(table);
    if (!drafts.has(transaction)) {
      drafts.set(transaction, draft);
      transaction.atCommit.push(() => draft.apply());
    }
    return draft;
  };
  return {
    async enterModels(transaction, models, mode) {
      const memory = requiredMemory(transaction);
      for (const model of sortIds(models)) {
        await gate.enter(memory, `model ${model}`, mode);
      }
      return draftOf(memory);
    },
    async enterOwner(transaction, owner) {
      const memory = requiredMemory(transaction);
      await gate.enter(memory, `owner ${owner}`, "EXCLUSIVE");
      return draftOf(memory);
    },
  };
}

function createLookUps(table: CommittedLockTable): Pick<LockStore, "owners" | "heldBy" | "listOwners"> {
  return {
    async owners(model, ids, scope = "") {
      const whole = table.rowsOf(model, null).find((row) => isHeld(row) && isSameScope(row.scope, scope));
      return new Map(
        ids.flatMap((id) => {
          const holder = table.rowsOf(model, id).find(isHeld) ?? whole;
          return holder === undefined ? [] : [[id, holder.owner] as const];
        }),
      );
    },
    heldBy: async (owner) => toClaims(heldRows(table, owner)),
    listOwners: async () => sortIds(table.owners().filter((owner) => heldRows(table, owner).length > 0)),
  };
}

function acquire(draft: LockTableDraft, owner: string, claims: readonly Claim[]): AcquireResult {
  const result = toAcquireResult(findConflicts(draft, owner, claims));
  if (result.kind === "GRANTED") {
    grant(draft, owner, claims);
  }
  return result;
}

function findConflicts(table: LockTable, owner: string, claims: readonly Claim[]): readonly LockConflict[] {
  const ticket = waitingRows(table, owner)[0]?.ticket ?? Infinity;
  return findLockConflicts(table, notYetHeld(table, owner, claims), { owner, ticket });
}

/** What the owner holds it may claim again, whoever waits for it, and none of it is stored twice. */
function notYetHeld(table: LockTable, owner: string, claims: readonly Claim[]): readonly Claim[] {
  return beyond(table, claims, (row) => row.owner === owner && isHeld(row));
}

/** What is not yet in those rows of the claims. */
function beyond(
  table: LockTable,
  claims: readonly Claim[],
  isOwn: (row: LockRow) => boolean,
): readonly Claim[] {
  const open = claims.filter(
    ({ model, scope = "" }) =>
      !table.rowsOf(model, null).some((row) => isOwn(row) && isWithin(scope, row.scope)),
  );
  const fresh = open.map(({ ids, ...claim }) => ({
    ...claim,
    ids: ids === "all" ? ids : ids.filter((id) => !table.rowsOf(claim.model, id).some(isOwn)),
  }));
  return withoutEmptyClaims(fresh);
}

/** Who asked for nothing does not leave the line for it. */
function grant(draft: LockTableDraft, owner: string, claims: readonly Claim[]): void {
  if (claims.length > 0) {
    waitingRows(draft, owner).forEach((row) => draft.remove(row));
  }
  for (const claim of notYetHeld(draft, owner, claims)) {
    const { model, ids, scope = "" } = claim;
    if (ids === "all") {
      // The claim on the model takes in those on its records.
      const within = heldRows(draft, owner).filter(
        (row) => row.model === model && isWithin(row.scope, scope),
      );
      within.forEach((row) => draft.remove(row));
    }
    toRows(owner, [claim]).forEach((row) => draft.add(row));
  }
}

/** For what it does not stand in line for yet. */
function joinLine(draft: LockTableDraft, owner: string, claims: readonly Claim[], ticket: number): void {
  const isOwn = (row: LockRow): boolean => row.owner === owner && !isHeld(row);
  const fresh = beyond(draft, claims, isOwn);
  toRows(owner, fresh, ticket).forEach((row) => draft.add(row));
}

function letGo(draft: LockTableDraft, owner: string, { model, ids }: Claim): void {
  const named =
    ids === "all"
      ? heldRows(draft, owner).filter((row) => row.model === model)
      : ids.flatMap((id) => draft.rowsOf(model, id).filter((row) => row.owner === owner && isHeld(row)));
  named.forEach((row) => draft.remove(row));
}

/** Whether a claim on the whole model under the outer scope means all that the inner one does. */
function isWithin(inner: string, outer: string): boolean {
  return outer === "" || outer === inner;
}

function isHeld({ ticket }: LockRow): boolean {
  return ticket === undefined;
}

function heldRows(table: LockTable, owner: string): readonly LockRow[] {
  return table.rowsOfOwner(owner).filter(isHeld);
}

function waitingRows(table: LockTable, owner: string): readonly LockRow[] {
  return table.rowsOfOwner(owner).filter((row) => !isHeld(row));
}

function modelsOf(claims: readonly Claim[]): readonly string[] {
  return claims.map(({ model }) => model);
}

function toRows(owner: string, claims: readonly Claim[], ticket?: number): readonly LockRow[] {
  return claims.flatMap(({ model, ids, scope = "" }) =>
    (ids === "all" ? [null] : ids).map((id) => ({ owner, model, id, scope, ticket })),
  );
}

/** One claim a model and scope, in order, as are its ids. */
function toClaims(rows: readonly LockRow[]): readonly Claim[] {
  const claims = rows.map(({ model, id, scope }): Claim => ({
    model,
    ids: id === null ? "all" : [id],
    ...(scope === "" ? {} : { scope }),
  }));
  const merged = mergeClaims(claims).map((claim) => ({
    ...claim,
    ids: claim.ids === "all" ? claim.ids : sortIds(claim.ids),
  }));
  return sortIds(merged.map(({ model }) => model)).flatMap((model) => {
    const ofModel = merged.filter((claim) => claim.model === model);
    return sortIds(ofModel.map(({ scope = "" }) => scope)).flatMap((scope) =>
      ofModel.filter((claim) => (claim.scope ?? "") === scope),
    );
  });
}

function findLastBefore(table: LockTable, owner: string): string | undefined {
  const own = waitingRows(table, owner);
  return lastInLine(table, toClaims(own), own[0]?.ticket ?? 0);
}
