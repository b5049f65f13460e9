import { withoutEmptyClaims } from "../../core/locks/claim.ts";
import type { Claim } from "../../core/locks/claim.ts";
import { MAX_REPORTED_CONFLICTS } from "../../core/locks/lock-store.ts";
import type { AcquireResult, LockConflict, LockStore } from "../../core/locks/lock-store.ts";
import { sortIds } from "../../core/locks/sort-ids.ts";
import { createLockTable, createLockTableDraft } from "./lock-table.ts";
import type { CommittedLockTable, LockTable, LockTableDraft } from "./lock-table.ts";
import { createMemoryGate } from "./memory-gate.ts";
import type { GateMode } from "./memory-gate.ts";
import { requiredMemory } from "./memory-transaction.ts";
import type { MemoryTransaction } from "./memory-transaction.ts";

/** Locks of one process. Claims and guards wait for the transactions in their way, as those in PostgreSQL do. */
export function createMemoryLockStore(): LockStore {
  const table = createLockTable();
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
  const enter = async (
    transaction: MemoryTransaction,
    claims: readonly Claim[],
    mode: GateMode,
  ): Promise<void> => {
    for (const model of sortIds(claims.map((claim) => claim.model))) {
      await gate.enter(transaction, model, mode);
    }
  };
  return {
    ...createReads(table),
    async acquire(transaction, owner, wanted) {
      const memory = requiredMemory(transaction);
      const claims = withoutEmptyClaims(wanted);
      await enter(memory, claims, "EXCLUSIVE");
      const draft = draftOf(memory);
      const result = toResult(findConflicts(draft, claims, owner));
      if (result.isGranted) {
        claims.forEach((claim) => take(draft, owner, claim));
      }
      return result;
    },
    async guard(transaction, wanted) {
      const memory = requiredMemory(transaction);
      const claims = withoutEmptyClaims(wanted);
      await enter(memory, claims, "SHARED");
      return toResult(findConflicts(draftOf(memory), claims, undefined));
    },
    async release(transaction, owner, some) {
      const memory = requiredMemory(transaction);
      const draft = draftOf(memory);
      const claims = some === undefined ? undefined : withoutEmptyClaims(some);
      if (claims !== undefined) {
        await enter(memory, claims, "EXCLUSIVE");
      }
      const all =
        claims ?? modelsHeldBy(draft, owner).map((model) => ({ model, ids: "all" }) satisfies Claim);
      all.forEach((claim) => letGo(draft, owner, claim));
    },
  };
}

function createReads(table: CommittedLockTable): Pick<LockStore, "owners" | "heldBy" | "listOwners"> {
  return {
    async owners(model, ids) {
      const whole = table.owner(model, null);
      const held = ids.map((id) => [id, whole ?? table.owner(model, id)] as const);
      return new Map(held.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
    },
    async heldBy(owner) {
      return modelsHeldBy(table, owner).map((model) => claimOf(table, model, owner));
    },
    async listOwners() {
      return sortIds([...table.owners()]);
    },
  };
}

function findConflicts(
  table: LockTable,
  claims: readonly Claim[],
  owner: string | undefined,
): readonly LockConflict[] {
  const isOther = (holder: string | undefined): holder is string => holder !== undefined && holder !== owner;
  const found = new Map<string, LockConflict>();
  const note = (model: string, id: string | null, holder: string | undefined): void => {
    if (isOther(holder)) {
      found.set(JSON.stringify([model, id]), { model, id, owner: holder });
    }
  };
  for (const { model, ids } of claims) {
    note(model, null, table.owner(model, null));
    for (const id of ids === "all" ? table.idsOf(model) : ids) {
      note(model, id, table.owner(model, id));
    }
  }
  return [...found.values()];
}

function modelsHeldBy(table: LockTable, owner: string): readonly string[] {
  return sortIds([...table.heldBy(owner)].map(({ model }) => model));
}

/** What the owner holds of the model: record ids, and null for the whole. */
function idsHeldBy(table: LockTable, owner: string, model: string): readonly (string | null)[] {
  return [...table.heldBy(owner)].filter((held) => held.model === model).map(({ id }) => id);
}

function take(draft: LockTableDraft, owner: string, { model, ids }: Claim): void {
  if (ids === "all") {
    // The claim on the model takes in those on its records.
    letGo(draft, owner, { model, ids });
    draft.set(model, null, owner);
  } else if (draft.owner(model, null) === undefined) {
    ids.forEach((id) => draft.set(model, id, owner));
  }
}

function letGo(draft: LockTableDraft, owner: string, { model, ids }: Claim): void {
  const named = ids === "all" ? idsHeldBy(draft, owner, model) : ids;
  for (const id of named.filter((one) => draft.owner(model, one) === owner)) {
    draft.set(model, id, undefined);
  }
}

function claimOf(table: LockTable, model: string, owner: string): Claim {
  const ids = idsHeldBy(table, owner, model);
  return { model, ids: ids.includes(null) ? "all" : sortIds(ids.filter((id) => id !== null)) };
}

function toResult(conflicts: readonly LockConflict[]): AcquireResult {
  if (conflicts.length === 0) {
    return { isGranted: true };
  }
  return { isGranted: false, conflicts: firstConflicts(conflicts), totalConflicts: conflicts.length };
}

/** By model and id, a whole model first. */
function firstConflicts(conflicts: readonly LockConflict[]): readonly LockConflict[] {
  const models = sortIds(conflicts.map(({ model }) => model));
  const sorted = models.flatMap((model) => {
    const ofModel = conflicts.filter((conflict) => conflict.model === model);
    const byId = new Map(ofModel.map((conflict) => [conflict.id, conflict]));
    const ids = sortIds([...byId.keys()].filter((id) => id !== null));
    return [null, ...ids].flatMap((id) => byId.get(id) ?? []);
  });
  return sorted.slice(0, MAX_REPORTED_CONFLICTS);
}
