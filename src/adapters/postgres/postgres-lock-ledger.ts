import type { SqlSession } from "../../kernel/sql-session.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { LiveClaim, LockLedger } from "../../core/locks/lock-ledger.ts";
import { MAX_REPORTED_CONFLICTS } from "../../core/locks/lock-store.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import type { ClaimRow } from "./claim-rows.ts";
import { toClaims } from "./claim-rows.ts";
import type { ConflictRow } from "./conflict-rows.ts";
import { toAcquireResult } from "./conflict-rows.ts";
import { toSegments } from "./lock-segments.ts";
import {
  ENTER_ALONE,
  ENTER_LEDGER,
  HOLDERS,
  JOIN_LINE,
  LINE_CONFLICTS,
  LIVE_CLAIMS,
  LIVE_OWNERS,
  NEXT_CHUNK_IDS,
  READ_EPOCH,
  RENEW_EPOCH,
} from "./sql/ledger-statements.ts";
import { LAST_BEFORE, LOCKS_WAITED_FOR, RELEASE_ALL } from "./sql/lock-statements.ts";
import { translatedSession } from "./translated-session.ts";

/** A row of `powercrud.backend`. */
interface BackendRow {
  readonly name: string;
  readonly epoch: string;
}

interface LiveClaimRow {
  readonly owner: string;
  readonly model: string;
  readonly scope: string | null;
  readonly ids: readonly string[] | "all" | "chunks";
}

/**
 * The ledger of locks that are kept in Redis. Lines are rows of `powercrud.lock`, as they are where PostgreSQL keeps
 * the locks too; what is held are the claims of the tasks' own rows.
 * @param options.session for look-ups outside any transaction
 */
export function createPostgresLockLedger(options: { readonly session: SqlSession }): LockLedger {
  const within = (transaction: Parameters<typeof requiredSession>[0]): SqlSession =>
    translatedSession(requiredSession(transaction));
  return {
    async enter(transaction, models, mode) {
      type Row = { readonly epoch: string; readonly has_line: boolean };
      const [row] = await within(transaction).query<Row>(ENTER_LEDGER, [models, mode === "CLAIM"]);
      return { epoch: row?.epoch ?? "", hasLine: row?.has_line ?? false };
    },
    enterAlone: async (transaction) => keptInRedis(await within(transaction).query<BackendRow>(ENTER_ALONE)),
    async epoch() {
      return keptInRedis(await translatedSession(options.session).query<BackendRow>(READ_EPOCH)).epoch;
    },
    async renewEpoch(transaction, epoch) {
      await within(transaction).query(RENEW_EPOCH, [epoch]);
    },
    liveClaims: (transaction) => readLiveClaims(within(transaction)),
    async liveOwners(transaction, owners) {
      const rows = await within(transaction).query<{ id: string }>(LIVE_OWNERS, [owners]);
      return new Set(rows.map(({ id }) => id));
    },
    async holders(transaction, owners) {
      const rows = await within(transaction).query<{ id: string }>(HOLDERS, [owners]);
      return new Set(rows.map(({ id }) => id));
    },
    async lineConflicts(transaction, owner, claims, isComplete) {
      const limit = isComplete ? null : MAX_REPORTED_CONFLICTS;
      const values = [owner, ...toSegments(claims), limit];
      return toAcquireResult(await within(transaction).query<ConflictRow>(LINE_CONFLICTS, values));
    },
    async joinLine(transaction, owner, claims) {
      await within(transaction).query(JOIN_LINE, [owner, ...toSegments(claims)]);
    },
    async leaveLine(transaction, owner) {
      // Nothing else of an owner is in the table.
      await within(transaction).query(RELEASE_ALL, [owner]);
    },
    async claimsInLine(transaction, owner) {
      return toClaims(await within(transaction).query<ClaimRow>(LOCKS_WAITED_FOR, [owner]));
    },
    async lastBefore(transaction, owner) {
      const [row] = await within(transaction).query<{ owner: string }>(LAST_BEFORE, [owner]);
      return row?.owner;
    },
  };
}

function keptInRedis([row]: readonly BackendRow[]): BackendRow {
  if (row?.name !== "redis") {
    throw new AppError(
      "UNAVAILABLE",
      "The locks are kept in PostgreSQL now, and this process keeps them in Redis. Restart it.",
    );
  }
  return row;
}

async function* readLiveClaims(session: SqlSession): AsyncGenerator<LiveClaim> {
  for (const { owner, model, scope, ids } of await session.query<LiveClaimRow>(LIVE_CLAIMS)) {
    const scoped = scope === null ? {} : { scope };
    if (ids !== "chunks") {
      yield { owner, claim: { model, ids, ...scoped } };
      continue;
    }
    for await (const chunkIds of readChunkIds(session, owner)) {
      yield { owner, claim: { model, ids: chunkIds, ...scoped } };
    }
  }
}

/** Some chunks at a time: a task may have a million records. */
async function* readChunkIds(session: SqlSession, taskId: string): AsyncGenerator<readonly string[]> {
  type Row = { readonly number: number; readonly ids: readonly string[] };
  for (let last = 0; ;) {
    const chunks = await session.query<Row>(NEXT_CHUNK_IDS, [taskId, last]);
    if (chunks.length === 0) {
      return;
    }
    yield chunks.flatMap(({ ids }) => ids);
    last = chunks.at(-1)?.number ?? last;
  }
}
