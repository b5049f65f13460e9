import type { SqlSession } from "../../kernel/sql-session.ts";
import { withoutEmptyClaims } from "../../core/locks/claim.ts";
import type { Claim } from "../../core/locks/claim.ts";
import { MAX_REPORTED_CONFLICTS } from "../../core/locks/lock-store.ts";
import type { AcquireResult, LockStore } from "../../core/locks/lock-store.ts";
import { sortIds } from "../../core/locks/sort-ids.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import { toSegments } from "./lock-segments.ts";
import {
  ACQUIRE_LOCK,
  GUARD_LOCK,
  GUARD_RECORD,
  LIST_LOCK_OWNERS,
  LOCK_OWNERS,
  LOCKS_HELD_BY,
  RELEASE_ALL,
  RELEASE_SOME,
} from "./sql/lock-statements.ts";
import { toUnavailableError } from "./unavailable-error.ts";

interface ConflictRow {
  readonly model: string;
  readonly id: string | null;
  readonly owner: string;
  readonly total: number;
}

interface HeldRow {
  readonly model: string;
  /** Null for the whole model. */
  readonly ids: readonly string[] | null;
}

/**
 * Locks as rows of `powercrud.lock`, taken and let go within the caller's transaction, which must be READ
 * COMMITTED. Claims and guards wait on the models' advisory locks until the transactions in their way have ended,
 * and then look; so they never decide on a claim that may yet be rolled back.
 *
 * @param options.session for look-ups outside any transaction
 */
export function createPostgresLockStore(options: { readonly session: SqlSession }): LockStore {
  return {
    async acquire(transaction, owner, claims) {
      const named = withoutEmptyClaims(claims);
      if (named.length === 0) {
        return { isGranted: true };
      }
      const values = [owner, ...segmentValues(named), MAX_REPORTED_CONFLICTS];
      return toResult(await run<ConflictRow>(requiredSession(transaction), ACQUIRE_LOCK, values));
    },
    async guard(transaction, claims) {
      const named = withoutEmptyClaims(claims);
      const [first] = named;
      if (first === undefined) {
        return { isGranted: true };
      }
      const session = requiredSession(transaction);
      if (named.length === 1 && first.ids !== "all" && first.ids.length === 1) {
        return toResult(await run<ConflictRow>(session, GUARD_RECORD, [first.model, first.ids[0]]));
      }
      return toResult(
        await run<ConflictRow>(session, GUARD_LOCK, [...segmentValues(named), MAX_REPORTED_CONFLICTS]),
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
        await run(session, RELEASE_SOME, [owner, ...segmentValues(named)]);
      }
    },
    async owners(model, ids) {
      if (ids.length === 0) {
        return new Map();
      }
      const rows = await run<ConflictRow>(options.session, LOCK_OWNERS, segmentValues([{ model, ids }]));
      // Whoever holds the model holds every record of it, and nobody else holds any.
      const whole = rows.find((row) => row.id === null);
      return new Map(
        whole ? ids.map((id) => [id, whole.owner]) : rows.map((row) => [row.id ?? "", row.owner]),
      );
    },
    async heldBy(owner) {
      return toClaims(await run<HeldRow>(options.session, LOCKS_HELD_BY, [owner]));
    },
    async listOwners() {
      const rows = await run<{ owner: string }>(options.session, LIST_LOCK_OWNERS, []);
      return rows.map((row) => row.owner);
    },
  };
}

/** Sessions of other adapters do not know our error codes. */
async function run<Row>(session: SqlSession, text: string, values: readonly unknown[]): Promise<Row[]> {
  try {
    return await session.query<Row>(text, values);
  } catch (error) {
    throw toUnavailableError(error);
  }
}

function segmentValues(claims: readonly Claim[]): readonly unknown[] {
  const { models, lowest, highest, ids, separator } = toSegments(claims);
  return [models, lowest, highest, ids, separator];
}

function toResult(rows: readonly ConflictRow[]): AcquireResult {
  const [first] = rows;
  if (first === undefined) {
    return { isGranted: true };
  }
  const conflicts = rows.map(({ model, id, owner }) => ({ model, id, owner }));
  return { isGranted: false, conflicts, totalConflicts: first.total };
}

/** One claim a model; segments of several acquisitions may interleave. */
function toClaims(rows: readonly HeldRow[]): readonly Claim[] {
  const models = new Set(rows.map((row) => row.model));
  return [...models].map((model) => {
    const segments = rows.filter((row) => row.model === model);
    const isWhole = segments.some(({ ids }) => ids === null);
    return { model, ids: isWhole ? "all" : sortIds(segments.flatMap(({ ids }) => ids ?? [])) };
  });
}
