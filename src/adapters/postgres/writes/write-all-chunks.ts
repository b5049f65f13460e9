import type { SqlSession } from "../../../kernel/sql-session.ts";
import type {
  ChunkResult,
  ChunkWork,
  TrialResult,
  WholeResult,
  WholeRun,
} from "../../../core/bulk/chunk-writer.ts";
import { MAX_TRIAL_ERRORS } from "../../../core/bulk/chunk-writer.ts";
import { isPlainWork } from "../../../core/bulk/record-writer.ts";
import type { AcquireResult, LockConflict } from "../../../core/locks/lock-store.ts";
import type { ErrorPolicy } from "../../../core/tasks/task.ts";
import { requiredSession } from "../../../core/transactions/required-session.ts";
import { runOrRollBack } from "../../../core/transactions/run-or-roll-back.ts";
import { heldReferencesOfAll } from "./held-references.ts";
import { pgProblem } from "./pg-problem.ts";
import type { ChunkRow } from "../sql/bulk-chunk-steps.ts";
import { batchOf, TAKE_CHUNK } from "../sql/bulk-chunk-steps.ts";
import { LIST_TASK_ERRORS } from "../sql/results.ts";
import { COUNT_ERRORS_AFTER, LAST_ERROR_POSITION } from "../sql/results.ts";
import type { TaskErrorRow } from "../tasks/task-errors.ts";
import { toTaskError } from "../tasks/task-errors.ts";
import { writeBatch } from "./write-batch.ts";
import type { ChunkWriting, WritePorts } from "./write-chunk.ts";
import { countWritten, finishChunk, takeFence, unitOfWorkFor, writeAsOne } from "./write-chunk.ts";

/** With its release: savepoints left inside each other would make every look at a row slower than the one before. */
const TAKE_BACK = "ROLLBACK TO SAVEPOINT chunk; RELEASE SAVEPOINT chunk";

/** Where all of a task's chunks are written together. */
interface WholeWriting extends ChunkWriting {
  readonly errorPolicy: ErrorPolicy;
  readonly run: WholeRun;
}

/** Why what was written of all chunks must not be kept. */
type WholeStop = Exclude<WholeResult, { kind: "WRITTEN" }>;
type Refusal = Extract<WholeResult, { kind: "REFUSED" }>;

/** ALL_OR_NOTHING: all chunks in one transaction, see core's ChunkWriter. */
export async function writeAllChunks(
  ports: WritePorts,
  work: ChunkWork,
  run: WholeRun,
): Promise<WholeResult> {
  const table = await ports.shapes.of(work.model);
  return runOrRollBack<WholeResult>(unitOfWorkFor(ports, work), async (transaction) => {
    const stop = await writeWhole({ ...ports, work, table, transaction, run, errorPolicy: "ALL_OR_NOTHING" });
    return stop === undefined ? { commit: { kind: "WRITTEN" } } : { rollBack: stop };
  });
}

/** A dry run: all chunks in one transaction that is rolled back, see core's ChunkWriter. */
export async function tryAllChunks(
  ports: WritePorts,
  work: ChunkWork,
  errorPolicy: ErrorPolicy,
  run: WholeRun,
): Promise<TrialResult> {
  const table = await ports.shapes.of(work.model);
  const locks = lookOnly(ports.locks);
  return runOrRollBack<TrialResult>(unitOfWorkFor(ports, work), async (transaction) => {
    const session = requiredSession(transaction);
    const lastPosition = await lastErrorPosition(session, work.taskId);
    if (errorPolicy === "SKIP_FAILED") {
      // Chunk by chunk, as they would speak up at the end of each chunk's own transaction.
      await session.query("SET CONSTRAINTS ALL IMMEDIATE");
    }
    const stop = await writeWhole({ ...ports, locks, work, table, transaction, run, errorPolicy });
    return { rollBack: stop ?? (await readTrial(session, work.taskId, lastPosition)) };
  });
}

/** Writes all chunks in the transaction. @returns why it must not be kept, if so */
async function writeWhole(writing: WholeWriting): Promise<WholeStop | undefined> {
  const { transaction, work, run } = writing;
  const session = requiredSession(transaction);
  for (;;) {
    run.signal.throwIfAborted();
    const step = await writeOneOfAll(writing);
    switch (step.kind) {
      case "WRITTEN":
        run.onWritten(step.counts);
        break;
      case "EXHAUSTED": {
        const broken = await checkDeferred(writing);
        if (broken !== undefined) {
          return broken;
        }
        if ((await countWritten(session, work.taskId)).pendingChunks === 0) {
          return finishWhole(writing);
        }
        break;
      }
      case "FENCED":
      case "CANCELLED":
      case "REFUSED":
        return step;
    }
  }
}

/** A deferred constraint would otherwise speak up only at the commit. It does not tell which record it is about. */
async function checkDeferred({ transaction, work }: WholeWriting): Promise<Refusal | undefined> {
  try {
    await requiredSession(transaction).query("SET CONSTRAINTS ALL IMMEDIATE");
    return undefined;
  } catch (error) {
    const problem = pgProblem(error, work.model);
    if (problem === undefined) {
      throw error;
    }
    return { kind: "REFUSED", errors: [{ ...problem, recordId: null, outcome: "FAILED" }] };
  }
}

/**
 * The guard and the fence come last: held from the start, they would keep claims off the models that are referred to,
 * and all others off the task's row meanwhile.
 */
async function finishWhole(writing: WholeWriting): Promise<WholeStop | undefined> {
  const held = writing.errorPolicy === "SKIP_FAILED" ? [] : await heldReferencesOfAll(writing);
  return held.length > 0
    ? { kind: "REFUSED", errors: held }
    : takeFence(requiredSession(writing.transaction), writing.work);
}

/** One chunk of all; under ALL_OR_NOTHING its failures refuse the whole, else they are recorded. */
async function writeOneOfAll(writing: WholeWriting): Promise<ChunkResult | Refusal> {
  const { transaction, work, table, errorPolicy } = writing;
  const session = requiredSession(transaction);
  const isWhole = errorPolicy === "ALL_OR_NOTHING";
  if (isPlainWork(work) && (isWhole || work.references === undefined)) {
    await session.query("SAVEPOINT chunk");
    try {
      const result = await writeAsOne(session, table, work, true);
      // The careful way names the records that failed.
      const hasFailures = isWhole && result.kind === "WRITTEN" && result.counts.failed > 0;
      await session.query(hasFailures ? TAKE_BACK : "RELEASE SAVEPOINT chunk");
      if (!hasFailures) {
        return result;
      }
    } catch (error) {
      if (pgProblem(error, work.model) === undefined) {
        throw error;
      }
      await session.query(TAKE_BACK);
    }
  }
  return writeOneCarefully(writing, isWhole);
}

async function writeOneCarefully(writing: WholeWriting, isWhole: boolean): Promise<ChunkResult | Refusal> {
  const { transaction, work } = writing;
  const [chunk] = await requiredSession(transaction).query<ChunkRow>(TAKE_CHUNK, [work.taskId]);
  if (chunk === undefined) {
    return { kind: "EXHAUSTED" };
  }
  // What they refer to is guarded for all of them together, at the end, where they stand or fall together.
  const own = isWhole ? { ...writing, work: { ...work, references: undefined } } : writing;
  const written = await writeBatch(own, batchOf(chunk));
  const failures = written.errors.filter((error) => error.outcome === "FAILED");
  return isWhole && failures.length > 0
    ? { kind: "REFUSED", errors: failures }
    : finishChunk(writing, chunk.number, written);
}

async function lastErrorPosition(session: SqlSession, taskId: string): Promise<string> {
  const [row] = await session.query<{ position: string }>(LAST_ERROR_POSITION, [taskId]);
  return row?.position ?? "0";
}

/** What the transaction would have left, without what was there before it. */
async function readTrial(session: SqlSession, taskId: string, after: string): Promise<TrialResult> {
  const { counts } = await countWritten(session, taskId);
  const [row] = await session.query<{ count: number }>(COUNT_ERRORS_AFTER, [taskId, after]);
  const errors = await session.query<TaskErrorRow>(LIST_TASK_ERRORS, [taskId, after, MAX_TRIAL_ERRORS]);
  return { kind: "TRIED", counts, errors: errors.map(toTaskError), errorCount: row?.count ?? 0 };
}

/** Asks who holds the records without keeping anybody from claiming them: nothing of it is to last. */
function lookOnly(locks: WritePorts["locks"]): WritePorts["locks"] {
  return {
    ...locks,
    async guard(_transaction, claims, owner): Promise<AcquireResult> {
      const conflicts: LockConflict[] = [];
      for (const { model, ids, scope } of claims) {
        const owners = await locks.owners(model, ids === "all" ? [] : ids, scope);
        const others = [...owners].filter(([, holder]) => holder !== owner);
        conflicts.push(...others.map(([id, holder]) => ({ model, id, owner: holder })));
      }
      return conflicts.length === 0
        ? { kind: "GRANTED" }
        : { kind: "CONFLICT", conflicts, totalConflicts: conflicts.length };
    },
  };
}
