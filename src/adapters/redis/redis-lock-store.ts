import { AppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Claim } from "../../core/locks/claim.ts";
import { mergeClaims, withoutEmptyClaims } from "../../core/locks/claim.ts";
import { freeOf } from "../../core/locks/free-of.ts";
import type { LockLedger } from "../../core/locks/lock-ledger.ts";
import type { AcquireResult, LockStore } from "../../core/locks/lock-store.ts";
import { sortIds } from "../../core/locks/sort-ids.ts";
import type { Transaction, UnitOfWork } from "../../core/transactions/transaction.ts";
import { toBatches } from "./id-batches.ts";
import { createRedisLockTable, LostLocks } from "./lock-table.ts";
import { LostTurn } from "./lock-turn.ts";
import { rebuildLocks } from "./rebuild-locks.ts";
import type { ScriptClient } from "./run-script.ts";
import { takeClaims } from "./take-claims.ts";

export interface RedisLockStoreOptions {
  /** Fails fast; whoever made it ends it. */
  readonly client: ScriptClient;
  /** In front of every key, without braces. */
  readonly keyPrefix: string;
  readonly ledger: LockLedger;
  /** For rebuilding; of the database where the ledger is. */
  readonly unitOfWork: UnitOfWork;
  readonly logger: Logger;
}

/** What the verbs share. */
interface Store {
  readonly ports: RedisLockStoreOptions;
  readonly table: ReturnType<typeof createRedisLockTable>;
  rebuild(): Promise<void>;
  /** Does what needs the table, and remembers that it was there. */
  relyOn<T>(work: () => Promise<T>): Promise<T>;
  /** Runs a look-up or a release under the current epoch, whatever happens to it. */
  underEpoch<T>(work: (epoch: string) => Promise<T>): Promise<T>;
}

/**
 * Locks in Redis, for which the database keeps the gate, the lines and the truth; see LockLedger. What a claim takes
 * is let go of when its transaction is rolled back; what is released goes once the transaction is committed. A process
 * that dies in between leaves locks of nobody, which are taken from it by whoever finds them in the way.
 */
export function createRedisLockStore(ports: RedisLockStoreOptions): LockStore {
  const store = createStore(ports);
  const { ledger } = ports;
  return {
    ...createLookUps(store),
    async enter(transaction, models) {
      if (models.length > 0) {
        await ledger.enter(transaction, models, "CLAIM");
      }
    },
    acquire: (transaction, owner, claims) => acquireAndLeave(store, transaction, owner, claims),
    async acquireOrWait(transaction, owner, claims) {
      const result = await acquire(store, transaction, owner, claims, false);
      if (result.kind !== "GRANTED") {
        await ledger.joinLine(transaction, owner, mergeClaims(claims));
      }
      return result;
    },
    async acquireFree(transaction, owner, claims) {
      const result = await acquire(store, transaction, owner, claims, true);
      if (result.kind === "GRANTED") {
        return [];
      }
      // The models are this transaction's alone until its end, so the rest is still free.
      await acquire(store, transaction, owner, freeOf(mergeClaims(claims), result.conflicts), false);
      return result.conflicts;
    },
    async acquireWaiting(transaction, owner, added = []) {
      const inLine = await ledger.claimsInLine(transaction, owner);
      const claims = inLine.length === 0 ? [] : [...inLine, ...added];
      const result = await acquireAndLeave(store, transaction, owner, claims);
      if (result.kind !== "GRANTED" && added.length > 0) {
        await ledger.joinLine(transaction, owner, mergeClaims(added));
      }
      return result;
    },
    lastBefore: (transaction, owner) => ledger.lastBefore(transaction, owner),
    guard: (transaction, claims, owner) => guard(store, transaction, claims, owner),
    async release(transaction, owner, claims) {
      if (claims === undefined) {
        await ledger.leaveLine(transaction, owner);
      }
      transaction.onCommit(() => store.underEpoch((epoch) => letGo(store, epoch, owner, claims)));
    },
  };
}

function createStore(ports: RedisLockStoreOptions): Store {
  const table = createRedisLockTable(ports.client, `${ports.keyPrefix}{lock}:epoch`);
  let wasThere = false;
  const relyOn = async <T>(work: () => Promise<T>): Promise<T> => {
    const result = await work();
    wasThere = true;
    return result;
  };
  const rebuild = async (): Promise<void> => {
    const isLoss = wasThere;
    if (!(await relyOn(() => rebuildLocks({ ...ports, table })))) {
      return;
    }
    if (isLoss) {
      ports.logger.warn({}, "Redis had lost the locks; they were built anew from the tasks");
    } else {
      ports.logger.info({}, "the locks are in Redis now, as the tasks claim them");
    }
  };
  return {
    ports,
    table,
    rebuild,
    relyOn,
    async underEpoch(work) {
      try {
        const epoch = await ports.ledger.epoch();
        return await relyOn(() => work(epoch));
      } catch (error) {
        if (!(error instanceof LostLocks)) {
          throw error;
        }
      }
      await rebuild();
      return whileCurrent(ports.ledger.epoch(), work);
    },
  };
}

/** @throws AppError UNAVAILABLE when the epoch is lost while the work is done */
async function whileCurrent<T>(current: Promise<string>, work: (epoch: string) => Promise<T>): Promise<T> {
  try {
    return await work(await current);
  } catch (error) {
    throw error instanceof LostLocks ? lostAgain() : error;
  }
}

function lostAgain(): AppError {
  return new AppError("UNAVAILABLE", "Redis has lost the locks; they are being restored. Try again.", {
    // Nothing was written; with the locks restored the same transaction may go through.
    details: { isRetryable: true },
  });
}

/** Only a process whose connection to the database has ended gets here; the next statement over it would tell. */
function lostTurn(): AppError {
  return new AppError("UNAVAILABLE", "The connection to the database was lost. Try again.", {
    details: { isRetryable: true },
  });
}

/** Once granted, the owner stands in line no more. */
async function acquireAndLeave(
  store: Store,
  transaction: Transaction,
  owner: string,
  claims: readonly Claim[],
): Promise<AcquireResult> {
  const result = await acquire(store, transaction, owner, claims, false);
  if (result.kind === "GRANTED" && withoutEmptyClaims(claims).length > 0) {
    await store.ports.ledger.leaveLine(transaction, owner);
  }
  return result;
}

async function acquire(
  store: Store,
  transaction: Transaction,
  owner: string,
  claims: readonly Claim[],
  isComplete: boolean,
): Promise<AcquireResult> {
  const merged = mergeClaims(claims);
  if (merged.length === 0) {
    return { kind: "GRANTED" };
  }
  const { ledger } = store.ports;
  const { epoch, hasLine } = await ledger.enter(transaction, modelsOf(merged), "CLAIM");
  return orRebuild(store, transaction, async () => {
    // What it holds it may claim again, whoever waits for it.
    const asked = hasLine ? await notYetHeld(store.table, epoch, owner, merged) : [];
    const inLine: AcquireResult =
      asked.length > 0
        ? await ledger.lineConflicts(transaction, owner, asked, isComplete)
        : { kind: "GRANTED" };
    return takeClaims(
      { ...store.ports, table: store.table, transaction, epoch },
      { owner, claims: merged, inLine, isComplete, isGuard: false },
    );
  });
}

async function notYetHeld(
  table: Store["table"],
  epoch: string,
  owner: string,
  claims: readonly Claim[],
): Promise<readonly Claim[]> {
  const asked: Claim[] = [];
  for (const claim of claims) {
    if (claim.ids === "all") {
      const { had } = await table.acquireWhole(epoch, owner, claim, "look");
      asked.push(...(had.size > 0 ? [] : [claim]));
    }
    for (const batch of toBatches(claim)) {
      const { had } = await table.acquireRecords(epoch, owner, batch, "look", 0);
      asked.push({ ...claim, ids: batch.ids.filter((id) => !had.has(id)) });
    }
  }
  return mergeClaims(asked);
}

async function guard(
  store: Store,
  transaction: Transaction,
  claims: readonly Claim[],
  owner: string | undefined,
): Promise<AcquireResult> {
  const merged = mergeClaims(claims);
  if (merged.length === 0) {
    return { kind: "GRANTED" };
  }
  const { ledger } = store.ports;
  const { epoch } = await ledger.enter(transaction, modelsOf(merged), "GUARD");
  return orRebuild(store, transaction, () =>
    takeClaims(
      { ...store.ports, table: store.table, transaction, epoch },
      { owner, claims: merged, inLine: { kind: "GRANTED" }, isComplete: false, isGuard: true },
    ),
  );
}

/**
 * Whoever rebuilds waits for all open transactions that rely on the old epoch, this one too: so it has to end first,
 * and is then worth another try.
 */
async function orRebuild<T>(store: Store, transaction: Transaction, work: () => Promise<T>): Promise<T> {
  try {
    return await store.relyOn(work);
  } catch (error) {
    if (error instanceof LostTurn) {
      throw lostTurn();
    }
    if (!(error instanceof LostLocks)) {
      throw error;
    }
    transaction.onRollback(() => store.rebuild());
    throw lostAgain();
  }
}

async function letGo(
  { table }: Store,
  epoch: string,
  owner: string,
  claims: readonly Claim[] | undefined,
): Promise<void> {
  if (claims === undefined) {
    await table.releaseAll(epoch, owner);
    return;
  }
  for (const claim of withoutEmptyClaims(claims)) {
    if (claim.ids === "all") {
      await table.releaseAll(epoch, owner, claim.model);
    }
    for (const batch of toBatches(claim)) {
      await table.releaseRecords(epoch, owner, batch);
    }
  }
}

function createLookUps(store: Store): Pick<LockStore, "owners" | "heldBy" | "listOwners"> {
  const { table, underEpoch } = store;
  return {
    owners: (model, ids, scope) =>
      underEpoch(async (epoch) => {
        const held = new Map<string, string>();
        for (const batch of toBatches({ model, ids, scope })) {
          const owners = await table.owners(epoch, batch);
          batch.ids.forEach((id, at) => owners[at] && held.set(id, owners[at]));
        }
        return held;
      }),
    heldBy: (owner) =>
      underEpoch(async (epoch) => {
        const claims: Claim[] = [];
        for await (const claim of table.heldBy(epoch, owner)) {
          claims.push(claim);
        }
        return visibleClaims(claims);
      }),
    listOwners: () => underEpoch(async (epoch) => sortIds(await table.listOwners(epoch))),
  };
}

/** By model and scope; a whole model takes in the records of its scope. */
function visibleClaims(claims: readonly Claim[]): readonly Claim[] {
  const wholes = claims.filter(({ ids }) => ids === "all");
  const isTakenIn = (claim: Claim): boolean =>
    wholes.some(
      ({ model, scope }) =>
        model === claim.model && (scope === undefined || (claim.ids !== "all" && scope === claim.scope)),
    );
  return mergeClaims(
    claims.filter((claim) => (claim.ids === "all" && claim.scope === undefined) || !isTakenIn(claim)),
  )
    .map((claim) => ({ ...claim, ids: claim.ids === "all" ? claim.ids : sortIds(claim.ids) }))
    .toSorted((a, b) => compare([a.model, a.scope ?? ""], [b.model, b.scope ?? ""]));
}

function compare([aModel, aScope]: [string, string], [bModel, bScope]: [string, string]): number {
  const [a, b] = aModel === bModel ? [aScope, bScope] : [aModel, bModel];
  return a < b ? -1 : a > b ? 1 : 0;
}

function modelsOf(claims: readonly Claim[]): readonly string[] {
  return [...new Set(claims.map(({ model }) => model))];
}
