import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { ChunkRecords } from "../../../core/bulk/chunk-records.ts";
import type { ChunkResult, ChunkWork, HeldWrite, WrittenChunks } from "../../../core/bulk/chunk-writer.ts";
import { isNamedByKey } from "../../../core/bulk/named-batch.ts";
import type { WrittenBatch } from "../../../core/bulk/record-writer.ts";
import { isPlainWork } from "../../../core/bulk/record-writer.ts";
import type { LockRefusal, LockStore } from "../../../core/locks/lock-store.ts";
import { untilUnstopped } from "../../../core/locks/open-write.ts";
import type { RecordDefaults } from "../../../core/records/record-defaults.ts";
import type { Counts } from "../../../core/tasks/progress.ts";
import type { UnitOfWork } from "../../../core/transactions/transaction.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import { runOrRollBack } from "../../../core/transactions/run-or-roll-back.ts";
import type { EmulatedKeys } from "../effects/foreign-keys.ts";
import { isEmulated } from "./emulated-way.ts";
import { enterReferences } from "./held-references.ts";
import { pgProblem } from "./pg-problem.ts";
import type { NamedWriting } from "./find-named.ts";
import type { ChunkRow, StopReason } from "../sql/bulk-chunk-steps.ts";
import {
  batchOf,
  COUNT_WRITTEN,
  FINISH_CHUNK,
  LIST_PENDING_FIELDS,
  TAKE_FENCE,
  TAKE_FREE_CHUNK,
} from "../sql/bulk-chunk-steps.ts";
import type { NextChunkRow } from "../sql/bulk-next-chunk.ts";
import { nextChunkSql } from "../sql/bulk-next-chunk.ts";
import { taskErrorColumns } from "../tasks/task-errors.ts";
import type { TableShape, TableShapes } from "../records/table-shape.ts";
import { writeNamed } from "./write-named.ts";

/** What chunks and records are written with. */
export interface WritePorts {
  /** For statements that are a transaction each. */
  readonly session: SqlSession;
  /** For transactions of plain work. */
  readonly unitOfWork: UnitOfWork;
  /** For transactions with the app's hooks or a viewer's scope. */
  readonly records: ChunkRecords;
  readonly shapes: TableShapes;
  readonly locks: Pick<LockStore, "enter" | "guard" | "owners">;
  readonly defaults: RecordDefaults;
  readonly emulatedKeys: EmulatedKeys;
}

/** A transaction that writes a chunk of a task. */
export type ChunkWriting = NamedWriting & { readonly work: ChunkWork };

/** The unit of work that opens transactions for this work. */
export function unitOfWorkFor(ports: WritePorts, work: ChunkWork): UnitOfWork {
  return isPlainWork(work) ? ports.unitOfWork : ports.records.unitOfWork;
}

/**
 * Writes the task's next chunk that no other transaction has taken: with one statement if possible, otherwise with
 * {@link writeNamed}, which finds the records that fail and writes the others.
 */
export async function writeNextChunk(ports: WritePorts, work: ChunkWork): Promise<ChunkResult> {
  const table = await ports.shapes.of(work.model);
  const emulated = await ports.emulatedKeys();
  if (isPlainWork(work) && work.references === undefined && !isEmulated(emulated, work.model)) {
    try {
      const written = await writeAsOne(ports.session, table, work, false);
      if (written !== undefined) {
        return written;
      }
    } catch (error) {
      if (pgProblem(error, work.model) === undefined) {
        throw error;
      }
    }
  }
  return untilUnstopped<ChunkResult>(
    (way) =>
      runOrRollBack<ChunkResult>(unitOfWorkFor(ports, work), async (transaction) => {
        const session = requiredSession(transaction);
        const writing = { ...ports, work, table, transaction, emulated, isApart: way.isApart };
        await enterReferences(writing, way.entered);
        // Deferred constraints are checked at once, while it is known which records were just written.
        await session.query("SET CONSTRAINTS ALL IMMEDIATE");
        const stop = await takeFence(session, work);
        return stop === undefined
          ? { commit: await writeTakenChunk(writing, TAKE_FREE_CHUNK) }
          : { rollBack: stop };
      }),
    onHeldOf(work),
  );
}

/** What becomes of a write whose hooks need records that other tasks hold. */
export function onHeldOf({ onConflict }: ChunkWork): "APART" | ((refusal: LockRefusal) => HeldWrite) {
  return onConflict === "WAIT" ? (refusal) => ({ kind: "HELD", refusal }) : "APART";
}

/**
 * Writes the next chunk with one statement, in which no record may fail. Chunks with other fields take another statement.
 * @param isWhole see {@link nextChunkSql}
 * @returns undefined if all chunks that are left name their records by keys, which have to be looked up first
 */
export async function writeAsOne(
  session: SqlSession,
  table: TableShape,
  work: ChunkWork,
  isWhole: boolean,
): Promise<ChunkResult | undefined> {
  const pending = await pendingFields(session, work);
  const byId = pending.filter((fields) => !isNamedByKey(fields));
  for (const fields of byId) {
    const { text, values } = nextChunkSql(table, work, fields, isWhole);
    const [row] = await session.query<NextChunkRow>(text, values, "FREQUENT");
    if (row === undefined || !row.is_current) {
      return { kind: "FENCED" };
    }
    if (row.stop !== null) {
      return { kind: row.stop };
    }
    if (row.number !== null) {
      const { number, succeeded, failed, skipped } = row;
      return { kind: "WRITTEN", number, counts: { succeeded, failed, skipped } };
    }
  }
  return byId.length < pending.length ? undefined : { kind: "EXHAUSTED" };
}

/** @param takeChunk the statement that takes the chunk */
async function writeTakenChunk(writing: ChunkWriting, takeChunk: string): Promise<ChunkResult> {
  const session = requiredSession(writing.transaction);
  const [chunk] = await session.query<ChunkRow>(takeChunk, [writing.work.taskId]);
  if (chunk === undefined) {
    return { kind: "EXHAUSTED" };
  }
  return finishChunk(writing, chunk.number, await writeNamed(writing, batchOf(chunk)));
}

/** Marks the chunk DONE, with its counts and errors. */
export async function finishChunk(
  { transaction, work }: ChunkWriting,
  number: number,
  { succeeded, errors, ids }: WrittenBatch,
): Promise<Extract<ChunkResult, { kind: "WRITTEN" }>> {
  const failed = errors.filter((error) => error.outcome === "FAILED").length;
  const counts = { succeeded, failed, skipped: errors.length - failed };
  await requiredSession(transaction).query(FINISH_CHUNK, [
    work.taskId,
    number,
    counts.succeeded,
    counts.failed,
    counts.skipped,
    ...taskErrorColumns(errors),
    ids ?? null,
  ]);
  return { kind: "WRITTEN", number, counts };
}

/**
 * Takes the fence: no other attempt can begin until the end of the transaction.
 * @returns undefined if the chunk may be written, otherwise why it may not
 */
export async function takeFence(
  session: SqlSession,
  work: ChunkWork,
): Promise<{ readonly kind: "FENCED" | StopReason } | undefined> {
  const [fence] = await session.query<{ stop: StopReason | null }>(TAKE_FENCE, [work.taskId, work.attempt]);
  if (fence === undefined) {
    return { kind: "FENCED" };
  }
  return fence.stop === null ? undefined : { kind: fence.stop };
}

/** The sums over a task's chunks, as the session sees them. */
export async function countWritten(session: SqlSession, taskId: string): Promise<WrittenChunks> {
  const [row] = await session.query<Counts & { pending: number }>(COUNT_WRITTEN, [taskId]);
  const { pending, ...counts } = row ?? { succeeded: 0, failed: 0, skipped: 0, pending: 0 };
  return { counts, pendingChunks: pending };
}

async function pendingFields(session: SqlSession, work: ChunkWork): Promise<readonly (readonly string[])[]> {
  if (work.operation === "UPDATE" || work.operation === "DELETE") {
    return [[]];
  }
  const rows = await session.query<{ fields: readonly string[] }>(LIST_PENDING_FIELDS, [work.taskId]);
  // One try even if nothing is pending: the statement also checks the fence and the cancellation.
  return rows.length === 0 ? [[]] : rows.map(({ fields }) => fields);
}
