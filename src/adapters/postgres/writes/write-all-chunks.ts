import { setSavepoint } from "../../../kernel/savepoint.ts";
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
import { conflictsWith } from "../../../core/locks/lock-refusal.ts";
import { untilUnstopped } from "../../../core/locks/open-write.ts";
import { addCounts, NO_COUNTS } from "../../../core/tasks/progress.ts";
import type { ErrorPolicy } from "../../../core/tasks/task.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import { runOrRollBack } from "../../../core/transactions/run-or-roll-back.ts";
import { isEmulated } from "./emulated-way.ts";
import { heldReferencesOfAll } from "./held-references.ts";
import { pgProblem } from "./pg-problem.ts";
import type { ChunkRow } from "../sql/bulk-chunk-steps.ts";
import { batchOf, TAKE_CHUNK } from "../sql/bulk-chunk-steps.ts";
import { LIST_TASK_ERRORS } from "../sql/results.ts";
import { COUNT_ERRORS_AFTER, LAST_ERROR_POSITION } from "../sql/results.ts";
import type { TaskErrorRow } from "../tasks/task-errors.ts";
import { toTaskError } from "../tasks/task-errors.ts";
import type { StoredPreview } from "../tasks/task-previews.ts";
import { writePreview } from "../tasks/task-previews.ts";
import type { PreviewedWriting } from "./preview-trial.ts";
import { beginPreview } from "./preview-trial.ts";
import { writeNamed } from "./write-named.ts";
import type { ChunkWriting, WritePorts } from "./write-chunk.ts";
import { countWritten, finishChunk, onHeldOf, takeFence, unitOfWorkFor, writeAsOne } from "./write-chunk.ts";

/** A transaction that writes all chunks of a task. */
interface WholeWriting extends ChunkWriting {
  readonly errorPolicy: ErrorPolicy;
  readonly run: WholeRun;
  /** By id: the names of written records that the task knows under another name than their id. */
  readonly names: Map<string, string>;
}

/** Why the transaction must be rolled back. */
type WholeStop = Exclude<WholeResult, { kind: "WRITTEN" }>;
type Refusal = Extract<WholeResult, { kind: "REFUSED" }>;

/** ALL_OR_NOTHING: all chunks in one transaction, see core's ChunkWriter. */
export async function writeAllChunks(
  ports: WritePorts,
  work: ChunkWork,
  run: WholeRun,
): Promise<WholeResult> {
  const [table, emulated] = await Promise.all([ports.shapes.of(work.model), ports.emulatedKeys()]);
  const alone = run.isOneRecord ? await writeAlone(ports, work, { table, emulated, run }) : undefined;
  if (alone !== undefined) {
    return alone;
  }
  return untilUnstopped<WholeResult>(
    ({ entered, isApart }) =>
      runOrRollBack<WholeResult>(unitOfWorkFor(ports, work), async (transaction) => {
        const writing = { ...ports, work, table, emulated, transaction, run, names: new Map(), isApart };
        await ports.locks.enter(transaction, entered);
        const stop = await writeWhole({ ...writing, errorPolicy: "ALL_OR_NOTHING" });
        return stop === undefined ? { commit: { kind: "WRITTEN" } } : { rollBack: stop };
      }),
    onHeldOf(work),
  );
}

/**
 * Writes the only chunk of a task as SKIP_FAILED would: in one statement that is its own transaction. Either its record is
 * written, or nothing.
 * @returns undefined, with nothing written, where the record must be written with more care, or was written before
 */
async function writeAlone(
  { session }: WritePorts,
  work: ChunkWork,
  { table, emulated, run }: Pick<WholeWriting, "table" | "emulated" | "run">,
): Promise<WholeResult | undefined> {
  const { operation, model, references } = work;
  // A record of another operation may be found stale, which is a failure that the statement would commit.
  const isSimple = (operation === "UPDATE" || operation === "DELETE") && references === undefined;
  if (!isSimple || !isPlainWork(work) || isEmulated(emulated, model)) {
    return undefined;
  }
  try {
    run.signal.throwIfAborted();
    const result = await writeAsOne(session, table, work, false);
    if (result?.kind === "WRITTEN") {
      run.onWritten(result.counts);
    }
    return result?.kind === "EXHAUSTED" ? undefined : result;
  } catch (error) {
    if (pgProblem(error, model) === undefined) {
      throw error;
    }
    return undefined;
  }
}

/** What a dry run needs; models and settings for its preview. */
export type TrialPorts = WritePorts & Pick<PreviewedWriting, "models" | "settingsOf">;

/** A dry run: all chunks in one transaction that is rolled back, see core's ChunkWriter. */
export async function tryAllChunks(
  ports: TrialPorts,
  work: ChunkWork,
  errorPolicy: ErrorPolicy,
  run: WholeRun,
): Promise<TrialResult> {
  const [table, emulated] = await Promise.all([ports.shapes.of(work.model), ports.emulatedKeys()]);
  const locks = lookOnly(ports.locks);
  const trial = { ...ports, locks, work, table, emulated, run, errorPolicy };
  let kept: StoredPreview | undefined;
  const result = await untilUnstopped<TrialResult>(
    ({ isApart }) =>
      runOrRollBack<TrialResult>(unitOfWorkFor(ports, work), async (transaction) => {
        const session = requiredSession(transaction);
        const lastPosition = await lastErrorPosition(session, work.taskId);
        if (errorPolicy === "SKIP_FAILED") {
          // A real run would check deferred constraints at the end of each chunk's own transaction.
          await session.query("SET CONSTRAINTS ALL IMMEDIATE");
        }
        const preview = await beginPreview(session, trial);
        const writing = { ...trial, ...preview, transaction, names: new Map(), isApart };
        const tried = (await writeWhole(writing)) ?? (await readTrial(session, work.taskId, lastPosition));
        kept = await preview?.finish(tried);
        return { rollBack: tried };
      }),
    onHeldOf(work),
  );
  if (kept !== undefined) {
    await writePreview(ports.session, work, kept);
  }
  return result;
}

/** Writes all chunks in the transaction. @returns why it must be rolled back, if it must */
async function writeWhole(writing: WholeWriting): Promise<WholeStop | undefined> {
  const { transaction, work, run } = writing;
  const session = requiredSession(transaction);
  let sum = NO_COUNTS;
  for (;;) {
    run.signal.throwIfAborted();
    const step = await writeOneOfAll(writing);
    if (step.kind === "WRITTEN") {
      sum = addCounts(sum, step.counts);
      run.onWritten(sum);
      continue;
    }
    const stop = step.kind === "EXHAUSTED" ? await checkDeferred(writing) : step;
    if (stop !== undefined) {
      return stop;
    }
    if ((await countWritten(session, work.taskId)).pendingChunks === 0) {
      return finishWhole(writing);
    }
  }
}

/** Checks deferred constraints before the commit does. Their errors do not name a record. */
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
 * Takes the guard and the fence at the end. Held from the start, they would block claims on the referred models, and
 * the task's row, for the whole run.
 */
async function finishWhole(writing: WholeWriting): Promise<WholeStop | undefined> {
  const held = writing.errorPolicy === "SKIP_FAILED" ? [] : await heldReferencesOfAll(writing);
  if (held.length > 0) {
    return { kind: "REFUSED", errors: held.map((error) => underName(writing, error)) };
  }
  const stop = await takeFence(requiredSession(writing.transaction), writing.work);
  // All is written: a pause would only undo it.
  return stop?.kind === "PAUSED" ? undefined : stop;
}

/** The error under the name of its record: nobody knows the id of one that was created and is rolled back. */
function underName({ names }: WholeWriting, error: NewTaskError): NewTaskError {
  return { ...error, recordId: names.get(error.recordId ?? "") ?? error.recordId };
}

/** Writes one of the chunks. Under ALL_OR_NOTHING a failed record refuses the task, otherwise it is recorded. */
async function writeOneOfAll(writing: WholeWriting): Promise<ChunkResult | Refusal> {
  const { errorPolicy } = writing;
  const isWhole = errorPolicy === "ALL_OR_NOTHING";
  const result = isWrittenAsOne(writing, isWhole) ? await tryAsOne(writing, isWhole) : undefined;
  return result ?? writeOneCarefully(writing, isWhole);
}

/** @returns undefined, with nothing written, if the chunk cannot be written by one statement */
async function tryAsOne(
  { transaction, work, table }: WholeWriting,
  isWhole: boolean,
): Promise<ChunkResult | undefined> {
  const session = requiredSession(transaction);
  const savepoint = await setSavepoint(session, "chunk");
  try {
    const result = await writeAsOne(session, table, work, true);
    // Writing record by record finds out which ones failed.
    const hasFailures = isWhole && result?.kind === "WRITTEN" && result.counts.failed > 0;
    await (hasFailures ? savepoint.takeBack() : savepoint.keep());
    return hasFailures ? undefined : result;
  } catch (error) {
    if (pgProblem(error, work.model) === undefined) {
      throw error;
    }
    await savepoint.takeBack();
    return undefined;
  }
}

function isWrittenAsOne({ work, emulated }: WholeWriting, isWhole: boolean): boolean {
  return isPlainWork(work) && !isEmulated(emulated, work.model) && (isWhole || work.references === undefined);
}

async function writeOneCarefully(writing: WholeWriting, isWhole: boolean): Promise<ChunkResult | Refusal> {
  const { transaction, work } = writing;
  const [chunk] = await requiredSession(transaction).query<ChunkRow>(TAKE_CHUNK, [work.taskId]);
  if (chunk === undefined) {
    return { kind: "EXHAUSTED" };
  }
  // Under ALL_OR_NOTHING, references are guarded once for all chunks, at the end.
  const own = isWhole ? { ...writing, work: { ...work, references: undefined } } : writing;
  const written = await writeNamed(own, batchOf(chunk));
  written.ids?.forEach((id, at) => {
    const name = chunk.ids[at];
    if (name !== undefined && name !== id) {
      writing.names.set(id, name);
    }
  });
  const failures = written.errors.filter((error) => error.outcome === "FAILED");
  return isWhole && failures.length > 0
    ? { kind: "REFUSED", errors: failures }
    : finishChunk(writing, chunk.number, written);
}

async function lastErrorPosition(session: SqlSession, taskId: string): Promise<string> {
  const [row] = await session.query<{ position: string }>(LAST_ERROR_POSITION, [taskId]);
  return row?.position ?? "0";
}

/** The counts and errors that the transaction would have left, without earlier errors. */
async function readTrial(session: SqlSession, taskId: string, after: string): Promise<TrialResult> {
  const { counts } = await countWritten(session, taskId);
  const [row] = await session.query<{ count: number }>(COUNT_ERRORS_AFTER, [taskId, after]);
  const errors = await session.query<TaskErrorRow>(LIST_TASK_ERRORS, [taskId, after, MAX_TRIAL_ERRORS]);
  return { kind: "TRIED", counts, errors: errors.map(toTaskError), errorCount: row?.count ?? 0 };
}

/** Locks whose guard only looks who holds the records: a dry run must not keep other tasks from claiming them. */
function lookOnly(locks: WritePorts["locks"]): WritePorts["locks"] {
  return { ...locks, guard: (_transaction, claims, owner) => conflictsWith(locks, claims, owner) };
}
