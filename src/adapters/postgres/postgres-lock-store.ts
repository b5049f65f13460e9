import type { SqlSession } from "../../kernel/sql-session.ts";
import { mergeClaims, withoutEmptyClaims } from "../../core/locks/claim.ts";
import type { Claim } from "../../core/locks/claim.ts";
import { freeOf } from "../../core/locks/free-of.ts";
import { MAX_REPORTED_CONFLICTS } from "../../core/locks/lock-store.ts";
import type { AcquireResult, LockConflict, LockStore } from "../../core/locks/lock-store.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import type { Transaction } from "../../core/transactions/transaction.ts";
import type { ClaimRow } from "./claim-rows.ts";
import { toClaims } from "./claim-rows.ts";
import type { ConflictRow } from "./conflict-rows.ts";
import { toAcquireResult } from "./conflict-rows.ts";
import { toSegments } from "./lock-segments.ts";
import {
  ACQUIRE_LOCK,
  ENTER_LOCKS,
  GUARD_LOCK,
  GUARD_RECORD,
  LAST_BEFORE,
  LIST_LOCK_OWNERS,
  LOCK_OWNERS,
  LOCKS_HELD_BY,
  LOCKS_WAITED_FOR,
  RELEASE_ALL,
  RELEASE_SOME,
} from "./sql/lock-statements.ts";
import { translatedSession } from "./translated-session.ts";

/** How a claim meets what is in its way. */
interface AcquireMode {
  /** Null for all. */
  readonly maxConflicts: number | null;
  readonly waits: boolean;
}

const OR_NOTHING: AcquireMode = { maxConflicts: MAX_REPORTED_CONFLICTS, waits: false };
const OR_WAIT: AcquireMode = { maxConflicts: MAX_REPORTED_CONFLICTS, waits: true };
const ALL_CONFLICTS: AcquireMode = { maxConflicts: null, waits: false };

/**
 * Locks as rows of `powercrud.lock`, taken and let go within the caller's transaction, which must be READ
 * COMMITTED. Claims and guards wait on the models' advisory locks until the transactions in their way have ended,
 * and then look; so they never decide on a claim that may yet be rolled back.
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
    acquire: (transaction, owner, claims) => acquire(transaction, owner, claims, OR_NOTHING),
    acquireOrWait: (transaction, owner, claims) => acquire(transaction, owner, claims, OR_WAIT),
    async acquireFree(transaction, owner, claims) {
      const result = await acquire(transaction, owner, claims, ALL_CONFLICTS);
      if (result.kind === "GRANTED") {
        return [];
      }
      // The models are this transaction's alone until its end, so the rest is still free.
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
      const [row] = await run<{ owner: string }>(requiredSession(transaction), LAST_BEFORE, [owner]);
      return row?.owner;
    },
    async guard(transaction, claims, owner) {
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
      return toAcquireResult(
        await run<ConflictRow>(session, GUARD_LOCK, [
          owner ?? null,
          ...toSegments(named),
          MAX_REPORTED_CONFLICTS,
        ]),
      );
    },
    async release(transaction, owner, claims) {
      const session = requiredSession(transaction);
      if (claims === undefined) {
        await run(session, RELEASE_ALL, [owner]);
        return;
      }
      const named = withoutEmptyClaims(claims);
      if (named.length > 0) {
        await run(session, RELEASE_SOME, [owner, ...toSegments(named)]);
      }
    },
  };
}

async function acquire(
  transaction: Transaction,
  owner: string,
  claims: readonly Claim[],
  { maxConflicts, waits }: AcquireMode,
): Promise<AcquireResult> {
  const named = withoutEmptyClaims(claims);
  if (named.length === 0) {
    return { kind: "GRANTED" };
  }
  const values = [owner, ...toSegments(named), maxConflicts, waits];
  return toAcquireResult(await run<ConflictRow>(requiredSession(transaction), ACQUIRE_LOCK, values));
}

function createLookUps(session: SqlSession): Pick<LockStore, "owners" | "heldBy" | "listOwners"> {
  return {
    async owners(model, ids, scope) {
      if (ids.length === 0) {
        return new Map();
      }
      const rows = await run<LockConflict>(session, LOCK_OWNERS, toSegments([{ model, ids, scope }]));
      // Whoever holds the model holds every record of it, but for those that others hold in another scope.
      const whole = rows.find((row) => row.id === null);
      const named = rows.flatMap(({ id, owner }) => (id === null ? [] : [[id, owner] as const]));
      return new Map([...(whole ? ids.map((id) => [id, whole.owner] as const) : []), ...named]);
    },
    async heldBy(owner) {
      return toClaims(await run<ClaimRow>(session, LOCKS_HELD_BY, [owner]));
    },
    async listOwners() {
      const rows = await run<{ owner: string }>(session, LIST_LOCK_OWNERS, []);
      return rows.map((row) => row.owner);
    },
  };
}

/** Sessions of other adapters do not know our error codes. */
function run<Row>(session: SqlSession, text: string, values: readonly unknown[]): Promise<Row[]> {
  return translatedSession(session).query<Row>(text, values);
}
