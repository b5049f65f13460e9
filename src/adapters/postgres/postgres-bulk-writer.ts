import { AppError, isAppError } from "../../kernel/app-error.ts";
import { GIVEN_UP, isStatementTimeout } from "../../kernel/statement-timeout.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type { BulkWork, BulkWriter, ChunkResult, StoredLinks } from "../../core/bulk/bulk-writer.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import { runOrRollBack } from "../../core/transactions/run-or-roll-back.ts";
import type { ChunkPorts } from "./chunk-ports.ts";
import { batchOf, finishChunk, writeAsOne } from "./chunk-writer.ts";
import { constraintProblem } from "./constraint-problem.ts";
import { countWritten } from "./count-written.ts";
import { enterReferences } from "./held-references.ts";
import { isPlainWork } from "./is-plain-work.ts";
import { isLostRace, retryLostRaces } from "./lost-race.ts";
import type { ChunkRow } from "./sql/bulk-chunk-steps.ts";
import { AWAIT_CHUNKS, LIST_FIELDS, TAKE_FREE_CHUNK } from "./sql/bulk-chunk-steps.ts";
import { LINKS_TO_RETRY } from "./sql/chunks.ts";
import { takeFence } from "./take-fence.ts";
import type { TableShape, TableShapes } from "./table-shape.ts";
import { tryAllChunks } from "./trial-writer.ts";
import type { WholePorts } from "./whole-writer.ts";
import { writeAllChunks } from "./whole-writer.ts";
import { writeBatch } from "./write-batch.ts";

/** What the writer works with. */
export interface BulkWriterPorts extends WholePorts {
  readonly session: SqlSession;
  readonly shapes: TableShapes;
}

/** Writes chunks with set-based SQL. */
export function createPostgresBulkWriter(ports: BulkWriterPorts): BulkWriter {
  return {
    writeNextChunk: (work) => masked(() => retryLostRaces(() => writeNextChunk(ports, work))),
    writeAllChunks: (work, onWritten, signal) =>
      masked(async () => writeAllChunks(ports, await ports.shapes.of(work.model), work, onWritten, signal)),
    tryAllChunks: (work, errorPolicy, onWritten, signal) =>
      masked(async () =>
        tryAllChunks(ports, await ports.shapes.of(work.model), work, errorPolicy, onWritten, signal),
      ),
    untilWritten: (taskId) => masked(() => untilWritten(ports.session, taskId)),
    listFields: (taskId) =>
      masked(async () => {
        const rows = await ports.session.query<{ field: string }>(LIST_FIELDS, [taskId]);
        return rows.map(({ field }) => field);
      }),
    listLinks: (taskId, records) =>
      masked(() =>
        ports.session.query<StoredLinks>(LINKS_TO_RETRY, [
          taskId,
          records !== "UNPROCESSED",
          records !== "FAILED",
        ]),
      ),
    countWritten: (taskId) => masked(() => countWritten(ports.session, taskId)),
  };
}

/** Waiting for longer than the server lets a statement take is for the caller to go on with. */
async function untilWritten(session: SqlSession, taskId: string): Promise<void> {
  try {
    await session.query(AWAIT_CHUNKS, [taskId]);
  } catch (error) {
    if (!isStatementTimeout(error)) {
      throw error;
    }
  }
}

/** The database's own words are for the log, not for the task's message. */
async function masked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Before all else: it comes in other guises from transactions of other clients.
    if (isStatementTimeout(error)) {
      throw new AppError("TASK_FAILED", `${GIVEN_UP} Try again with retryTask.`, { cause: error });
    }
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
  if (isPlainWork(work) && work.references === undefined) {
    try {
      return await writeAsOne(ports.session, table, work, false);
    } catch (error) {
      if (constraintProblem(error, table) === undefined) {
        throw error;
      }
    }
  }
  const { unitOfWork } = isPlainWork(work) ? ports : ports.records;
  return runOrRollBack<ChunkResult>(unitOfWork, async (transaction) => {
    const session = requiredSession(transaction);
    await enterReferences(ports.locks, transaction, work);
    // So that a deferred constraint speaks up while it is known which records it is about.
    await session.query("SET CONSTRAINTS ALL IMMEDIATE");
    const stop = await takeFence(session, work);
    return stop === undefined
      ? { commit: await writeFreeChunk({ ...ports, transaction }, table, work) }
      : { rollBack: stop };
  });
}

/** The careful way: offenders stand apart in the end. */
async function writeFreeChunk(ports: ChunkPorts, table: TableShape, work: BulkWork): Promise<ChunkResult> {
  const session = requiredSession(ports.transaction);
  const [chunk] = await session.query<ChunkRow>(TAKE_FREE_CHUNK, [work.taskId]);
  if (chunk === undefined) {
    return { kind: "EXHAUSTED" };
  }
  const written = await writeBatch(ports, table, work, batchOf(chunk));
  return finishChunk(session, work.taskId, chunk.number, written);
}
