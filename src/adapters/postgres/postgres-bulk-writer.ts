import { AppError, isAppError } from "../../kernel/app-error.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type {
  BulkWork,
  BulkWriter,
  ChunkResult,
  WholeResult,
  WrittenChunks,
} from "../../core/bulk/bulk-writer.ts";
import type { LockStore } from "../../core/locks/lock-store.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import type { RecordReader } from "../../core/records/record-reader.ts";
import type { Counts } from "../../core/tasks/progress.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import type { Decision } from "../../core/transactions/run-or-roll-back.ts";
import { runOrRollBack } from "../../core/transactions/run-or-roll-back.ts";
import type { Transaction, UnitOfWork } from "../../core/transactions/transaction.ts";
import { constraintProblem } from "./constraint-problem.ts";
import { enterReferences, heldReferences, heldReferencesOfAll } from "./held-references.ts";
import { isLostRace, retryLostRaces } from "./lost-race.ts";
import type { RecordSetResult } from "./record-set-writer.ts";
import { missingError, writeRecordSet } from "./record-set-writer.ts";
import {
  COUNT_WRITTEN,
  FINISH_CHUNK,
  TAKE_CHUNK,
  TAKE_FENCE,
  TAKE_FREE_CHUNK,
} from "./sql/bulk-chunk-steps.ts";
import type { NextChunkRow } from "./sql/bulk-next-chunk.ts";
import { nextChunkSql } from "./sql/bulk-next-chunk.ts";
import { lockRecordsSql } from "./sql/bulk-record-set.ts";
import { taskErrorColumns } from "./task-error-columns.ts";
import type { TableShape, TableShapes } from "./table-shape.ts";

/** What the writer works with. */
export interface BulkWriterPorts {
  readonly session: SqlSession;
  readonly unitOfWork: UnitOfWork;
  readonly shapes: TableShapes;
  readonly reader: RecordReader;
  /** For what records are made to refer to. */
  readonly locks: Pick<LockStore, "guard">;
}

/** Writes chunks with set-based SQL. */
export function createPostgresBulkWriter(ports: BulkWriterPorts): BulkWriter {
  return {
    writeNextChunk: (work) => masked(() => retryLostRaces(() => writeNextChunk(ports, work))),
    writeAllChunks: (work, onWritten, signal) => masked(() => writeAllChunks(ports, work, onWritten, signal)),
    countWritten: (taskId) => masked(() => countWritten(ports.session, taskId)),
  };
}

/** The database's own words are for the log, not for the task's message. */
async function masked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAppError(error)) {
      throw error;
    }
    // As if the database were out of reach: the attempt is abandoned, and another one is made later.
    throw isLostRace(error)
      ? new AppError("UNAVAILABLE", "Other transactions hold what this one needs.", { cause: error })
      : new AppError("INTERNAL", "The database refused the change.", { cause: error });
  }
}

async function writeNextChunk(ports: BulkWriterPorts, work: BulkWork): Promise<ChunkResult> {
  const table = await ports.shapes.of(work.model);
  if (work.scope === undefined && work.references === undefined) {
    try {
      return await writeAsOne(ports.session, table, work, false);
    } catch (error) {
      if (constraintProblem(error, table) === undefined) {
        throw error;
      }
    }
  }
  return runOrRollBack<ChunkResult>(ports.unitOfWork, async (transaction) => {
    const session = requiredSession(transaction);
    await enterReferences(ports.locks, transaction, work);
    // So that a deferred constraint speaks up while it is known which records it is about.
    await session.query("SET CONSTRAINTS ALL IMMEDIATE");
    const stop = await takeFence(session, work);
    return stop === undefined
      ? { commit: await writeByHalving(ports, transaction, table, work) }
      : { rollBack: stop };
  });
}

/** @returns why nothing may be written, if so */
async function takeFence(
  session: SqlSession,
  work: BulkWork,
): Promise<{ readonly kind: "FENCED" | "CANCELLED" } | undefined> {
  const [fence] = await session.query<{ is_cancelled: boolean }>(TAKE_FENCE, [work.taskId, work.attempt]);
  if (fence === undefined) {
    return { kind: "FENCED" };
  }
  return fence.is_cancelled ? { kind: "CANCELLED" } : undefined;
}

/** The fast way: one statement, no exceptions. */
async function writeAsOne(
  session: SqlSession,
  table: TableShape,
  work: BulkWork,
  isWhole: boolean,
): Promise<ChunkResult> {
  const { text, values } = nextChunkSql(table, work, isWhole);
  const [row] = await session.query<NextChunkRow>(text, values);
  if (row === undefined || !row.is_current) {
    return { kind: "FENCED" };
  }
  if (row.is_cancelled) {
    return { kind: "CANCELLED" };
  }
  if (row.number === null) {
    return { kind: "EXHAUSTED" };
  }
  return { kind: "WRITTEN", counts: { succeeded: row.succeeded, failed: 0, skipped: row.skipped } };
}

/** The careful way: the chunk's records within the scope, set by set, offenders apart. */
async function writeByHalving(
  ports: BulkWriterPorts,
  transaction: Transaction,
  table: TableShape,
  work: BulkWork,
): Promise<ChunkResult> {
  const session = requiredSession(transaction);
  const [chunk] = await session.query<{ number: number; ids: string[] }>(TAKE_FREE_CHUNK, [work.taskId]);
  if (chunk === undefined) {
    return { kind: "EXHAUSTED" };
  }
  const { succeeded, errors } = await writeUnheld(ports, transaction, table, work, chunk.ids);
  const failed = errors.filter((error) => error.outcome === "FAILED").length;
  const counts = { succeeded, failed, skipped: errors.length - failed };
  await session.query(FINISH_CHUNK, [
    work.taskId,
    chunk.number,
    counts.succeeded,
    counts.failed,
    counts.skipped,
    ...taskErrorColumns(errors),
  ]);
  return { kind: "WRITTEN", counts };
}

/** What would refer to another task's records is taken back, and the rest written once more. */
async function writeUnheld(
  ports: BulkWriterPorts,
  transaction: Transaction,
  table: TableShape,
  work: BulkWork,
  ids: readonly string[],
): Promise<RecordSetResult> {
  const session = requiredSession(transaction);
  const write = (some: readonly string[]): Promise<RecordSetResult> =>
    writeWithinScope(ports, session, table, work, some);
  if (work.references === undefined) {
    return write(ids);
  }
  await session.query("SAVEPOINT unheld");
  const written = await write(ids);
  const without = (errors: readonly NewTaskError[]): readonly string[] => {
    const named = new Set(errors.map(({ recordId }) => recordId));
    return ids.filter((id) => !named.has(id));
  };
  const held = await heldReferences(ports.locks, transaction, work, without(written.errors));
  if (held.length === 0) {
    return written;
  }
  await session.query("ROLLBACK TO SAVEPOINT unheld");
  const rest = await write(without(held));
  return { succeeded: rest.succeeded, errors: [...held, ...rest.errors] };
}

async function writeWithinScope(
  ports: BulkWriterPorts,
  session: SqlSession,
  table: TableShape,
  work: BulkWork,
  ids: readonly string[],
): Promise<RecordSetResult> {
  if (work.scope === undefined) {
    return writeRecordSet(session, table, work, ids);
  }
  // Locked first, so that what is read of them now still holds when they are written.
  await session.query(lockRecordsSql(table), [ids]);
  const within = new Set(await ports.reader.existingIds(work.model.name, ids, work.scope));
  const outside = ids.filter((id) => !within.has(id)).map(missingError);
  const written = await writeRecordSet(
    session,
    table,
    work,
    ids.filter((id) => within.has(id)),
  );
  return { succeeded: written.succeeded, errors: [...outside, ...written.errors] };
}

async function writeAllChunks(
  ports: BulkWriterPorts,
  work: BulkWork,
  onWritten: (counts: Counts) => void,
  signal: AbortSignal,
): Promise<WholeResult> {
  const table = await ports.shapes.of(work.model);
  return runOrRollBack<WholeResult>(ports.unitOfWork, async (transaction): Promise<Decision<WholeResult>> => {
    const session = requiredSession(transaction);
    for (;;) {
      signal.throwIfAborted();
      const step = await writeOneOfAll(ports, session, table, work);
      switch (step.kind) {
        case "WRITTEN":
          onWritten(step.counts);
          break;
        case "EXHAUSTED":
          // A deferred constraint would otherwise speak up only at the commit.
          await session.query("SET CONSTRAINTS ALL IMMEDIATE");
          if ((await countWritten(session, work.taskId)).pendingChunks === 0) {
            return await finishWhole(ports, transaction, work);
          }
          break;
        case "FENCED":
        case "CANCELLED":
        case "REFUSED":
          return { rollBack: step };
      }
    }
  });
}

/**
 * The guard and the fence come last: held from the start, they would keep claims off the models that are referred to,
 * and all others off the task's row meanwhile.
 */
async function finishWhole(
  ports: BulkWriterPorts,
  transaction: Transaction,
  work: BulkWork,
): Promise<Decision<WholeResult>> {
  const held = await heldReferencesOfAll(ports.locks, transaction, work);
  if (held.length > 0) {
    return { rollBack: { kind: "REFUSED", errors: held } };
  }
  const stop = await takeFence(requiredSession(transaction), work);
  return stop === undefined ? { commit: { kind: "WRITTEN" } } : { rollBack: stop };
}

async function countWritten(session: SqlSession, taskId: string): Promise<WrittenChunks> {
  const [row] = await session.query<Counts & { pending: number }>(COUNT_WRITTEN, [taskId]);
  const { pending, ...counts } = row ?? { succeeded: 0, failed: 0, skipped: 0, pending: 0 };
  return { counts, pendingChunks: pending };
}

/** One chunk of an ALL_OR_NOTHING task; its failures refuse the whole. */
async function writeOneOfAll(
  ports: BulkWriterPorts,
  session: SqlSession,
  table: TableShape,
  work: BulkWork,
): Promise<ChunkResult | Extract<WholeResult, { kind: "REFUSED" }>> {
  await session.query("SAVEPOINT chunk");
  if (work.scope === undefined) {
    try {
      const result = await writeAsOne(session, table, work, true);
      await session.query("RELEASE SAVEPOINT chunk");
      return result;
    } catch (error) {
      if (constraintProblem(error, table) === undefined) {
        throw error;
      }
      await session.query("ROLLBACK TO SAVEPOINT chunk");
    }
  }
  return refuseFailures(ports, session, table, work);
}

async function refuseFailures(
  ports: BulkWriterPorts,
  session: SqlSession,
  table: TableShape,
  work: BulkWork,
): Promise<ChunkResult | Extract<WholeResult, { kind: "REFUSED" }>> {
  const [chunk] = await session.query<{ number: number; ids: string[] }>(TAKE_CHUNK, [work.taskId]);
  if (chunk === undefined) {
    return { kind: "EXHAUSTED" };
  }
  const { succeeded, errors } = await writeWithinScope(ports, session, table, work, chunk.ids);
  const failures = errors.filter((error) => error.outcome === "FAILED");
  if (failures.length > 0) {
    return { kind: "REFUSED", errors: failures };
  }
  await session.query(FINISH_CHUNK, [
    work.taskId,
    chunk.number,
    succeeded,
    0,
    errors.length,
    ...taskErrorColumns(errors),
  ]);
  return { kind: "WRITTEN", counts: { succeeded, failed: 0, skipped: errors.length } };
}
