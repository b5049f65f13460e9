import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { Claim } from "../../../core/locks/claim.ts";
import { freeOf, mergeClaims, withoutEmptyClaims } from "../../../core/locks/claim.ts";
import { sortIds } from "../../../core/locks/claim.ts";
import { MAX_BLOCKED_IDS, MAX_REPORTED_CONFLICTS } from "../../../core/locks/lock-store.ts";
import type {
  AcquireResult,
  LockConflict,
  LockStore,
  Blocker,
  OwnedRecords,
} from "../../../core/locks/lock-store.ts";
import type { Transaction } from "../../../core/transactions/transaction.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import { toSegments } from "./lock-segments.ts";
import { translatedSession } from "../connection/pg-session.ts";
import {
  ACQUIRE_LOCK,
  ENTER_LOCKS,
  GUARD_LOCK,
  GUARD_RECORD,
  LAST_BEFORE,
  LOCK_OWNERS,
  LOCKS_HELD_BY,
  LOCKS_WAITED_FOR,
  BLOCKERS,
  OWNED_RECORDS,
  RELEASE_ALL,
  RELEASE_ORPHANS,
  TRY_ENTER_LOCKS,
} from "../sql/locks.ts";

/** What happens to a refused claim. */
interface OnConflict {
  /** The most conflicts to report; null for all. */
  readonly maxConflicts: number | null;
  /** Whether the owner joins the line. */
  readonly waits: boolean;
  /** Whether the owner runs: then only holders conflict. */
  readonly isRunning: boolean;
}

const OR_NOTHING: OnConflict = { maxConflicts: MAX_REPORTED_CONFLICTS, waits: false, isRunning: false };
const OR_WAIT: OnConflict = { ...OR_NOTHING, waits: true };
const ALL_CONFLICTS: OnConflict = { ...OR_NOTHING, maxConflicts: null };
const WHILE_RUNNING: OnConflict = { ...OR_NOTHING, isRunning: true };

/**
 * Locks as rows of `powercrud.lock`, taken and released within the caller's transaction, which must be READ COMMITTED.
 * Claims and guards first wait at the models' advisory locks (the gate) until conflicting transactions have ended, and only
 * then look for conflicts. So they never decide by a claim that may still be rolled back.
 *
 * @param options.session for look-ups outside any transaction
 */
export function createPostgresLockStore(options: { readonly session: SqlSession }): LockStore {
  return {
    ...createLookUps(options.session),
    async enter(transaction, models) {
      if (models.length > 0) {
        await run(requiredSession(transaction), ENTER_LOCKS, [models]);
      }
    },
    async tryEnter(transaction, models, how) {
      const values = [models, how === "CLAIM"];
      const [row] = await run<{ is_entered: boolean }>(requiredSession(transaction), TRY_ENTER_LOCKS, values);
      return row?.is_entered ?? false;
    },
    acquire: (transaction, owner, claims) => acquire(transaction, owner, claims, OR_NOTHING),
    acquireRunning: (transaction, owner, claims) => acquire(transaction, owner, claims, WHILE_RUNNING),
    acquireOrWait: (transaction, owner, claims) => acquire(transaction, owner, claims, OR_WAIT),
    async acquireFree(transaction, owner, claims) {
      const result = await acquire(transaction, owner, claims, ALL_CONFLICTS);
      if (result.kind === "GRANTED") {
        return [];
      }
      // No other transaction can claim on these models until this one ends, so the rest is still free.
      await acquire(transaction, owner, freeOf(mergeClaims(claims), result.conflicts), OR_NOTHING);
      return result.conflicts;
    },
    async acquireWaiting(transaction, owner, added = []) {
      const rows = await run<ClaimRow>(requiredSession(transaction), LOCKS_WAITED_FOR, [owner]);
      return rows.length === 0
        ? { kind: "GRANTED" }
        : acquire(transaction, owner, [...toClaims(rows), ...added], added.length > 0 ? OR_WAIT : OR_NOTHING);
    },
    async lastBefore(transaction, owner) {
      const [row] = await run<OwnerRow>(requiredSession(transaction), LAST_BEFORE, [owner]);
      return row?.owner;
    },
    guard,
    async release(transaction, owner) {
      await run(requiredSession(transaction), RELEASE_ALL, [owner]);
    },
  };
}

async function acquire(
  transaction: Transaction,
  owner: string,
  claims: readonly Claim[],
  { maxConflicts, waits, isRunning }: OnConflict,
): Promise<AcquireResult> {
  const named = withoutEmptyClaims(claims);
  if (named.length === 0) {
    return { kind: "GRANTED" };
  }
  const values = [owner, ...(await toSegments(named)), maxConflicts, waits, isRunning];
  return toAcquireResult(await run<ConflictRow>(requiredSession(transaction), ACQUIRE_LOCK, values));
}

async function guard(
  transaction: Transaction,
  claims: readonly Claim[],
  owner?: string,
): Promise<AcquireResult> {
  const named = withoutEmptyClaims(claims);
  const [first] = named;
  if (first === undefined) {
    return { kind: "GRANTED" };
  }
  const session = requiredSession(transaction);
  const { model, ids, scope = "" } = first;
  if (owner === undefined && named.length === 1 && ids !== "all" && ids.length === 1) {
    return toAcquireResult(await run<ConflictRow>(session, GUARD_RECORD, [model, ids[0], scope]));
  }
  const values = [owner ?? null, ...(await toSegments(named)), MAX_REPORTED_CONFLICTS];
  return toAcquireResult(await run<ConflictRow>(session, GUARD_LOCK, values));
}

function createLookUps(
  session: SqlSession,
): Pick<LockStore, "releaseOrphans" | "owners" | "heldBy" | "owned" | "blockers"> {
  return {
    async releaseOrphans() {
      const rows = await run<OwnerRow>(session, RELEASE_ORPHANS, []);
      return rows.map(({ owner }) => owner);
    },
    async owners(model, ids, scope) {
      if (ids.length === 0) {
        return new Map();
      }
      const segments = await toSegments([{ model, ids, scope }]);
      const rows = await run<LockConflict>(session, LOCK_OWNERS, segments);
      // The owner of the whole model holds every record, except those that others hold in another scope.
      const whole = rows.find((row) => row.id === null);
      const named = rows.flatMap(({ id, owner }) => (id === null ? [] : [[id, owner] as const]));
      return new Map([...(whole ? ids.map((id) => [id, whole.owner] as const) : []), ...named]);
    },
    async owned(owners) {
      const rows = await run<OwnerRow & OwnedRecords>(session, OWNED_RECORDS, [owners]);
      return groupBy(rows, ({ owner }) => owner);
    },
    async blockers(owners) {
      const values = [owners, MAX_BLOCKED_IDS];
      const rows = await run<{ waiting: string } & Blocker>(session, BLOCKERS, values);
      return groupBy(rows, ({ waiting }) => waiting);
    },
    async heldBy(owner, { maxIds = null, transaction } = {}) {
      const reading = transaction === undefined ? session : requiredSession(transaction);
      return toClaims(await run<ClaimRow>(reading, LOCKS_HELD_BY, [owner, maxIds]));
    },
  };
}

function groupBy<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  }
  return groups;
}

/** Runs a statement, also over a session of another adapter, which does not report our error codes. */
function run<Row>(session: SqlSession, text: string, values: readonly unknown[]): Promise<Row[]> {
  return translatedSession(session).query<Row>(text, values);
}

interface OwnerRow {
  readonly owner: string;
}

/** A segment as read from `powercrud.lock`. */
interface ClaimRow {
  readonly model: string;
  /** Empty for none. */
  readonly scope: string;
  /** Null for the whole model. */
  readonly ids: readonly string[] | null;
}

/** One claim per model and scope, with sorted ids: the segments of several acquisitions may interleave. */
function toClaims(rows: readonly ClaimRow[]): readonly Claim[] {
  const claims = rows.map(({ model, scope, ids }): Claim => ({
    model,
    ids: ids ?? "all",
    ...(scope === "" ? {} : { scope }),
  }));
  return mergeClaims(claims).map((claim) => ({
    ...claim,
    ids: claim.ids === "all" ? claim.ids : sortIds(claim.ids),
  }));
}

/** A conflict as the lock functions return it. */
export interface ConflictRow extends LockConflict {
  /** The number of all conflicts. */
  readonly total: number;
}

/** Without conflicts, the claim is granted. */
function toAcquireResult(rows: readonly ConflictRow[]): AcquireResult {
  const [first] = rows;
  if (first === undefined) {
    return { kind: "GRANTED" };
  }
  const conflicts = rows.map(({ model, id, owner }) => ({ model, id, owner }));
  return { kind: "CONFLICT", conflicts, totalConflicts: first.total };
}
