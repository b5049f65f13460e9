import type { BulkWork, ChunkResult, WholeResult } from "../../core/bulk/bulk-writer.ts";
import type { LockStore } from "../../core/locks/lock-store.ts";
import type { Counts } from "../../core/tasks/progress.ts";
import type { ErrorPolicy } from "../../core/tasks/task.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import { runOrRollBack } from "../../core/transactions/run-or-roll-back.ts";
import type { UnitOfWork } from "../../core/transactions/transaction.ts";
import type { ChunkPorts } from "./chunk-ports.ts";
import { batchOf, finishChunk, writeAsOne } from "./chunk-writer.ts";
import { constraintProblem } from "./constraint-problem.ts";
import { countWritten } from "./count-written.ts";
import { heldReferencesOfAll } from "./held-references.ts";
import type { ChunkRow } from "./sql/bulk-chunk-steps.ts";
import { TAKE_CHUNK } from "./sql/bulk-chunk-steps.ts";
import { isPlainWork } from "./is-plain-work.ts";
import { takeFence } from "./take-fence.ts";
import type { TableShape } from "./table-shape.ts";
import { writeBatch } from "./write-batch.ts";

/** What writing all chunks together works with. */
export interface WholePorts extends Omit<ChunkPorts, "transaction" | "locks"> {
  readonly locks: Pick<LockStore, "guard" | "owners">;
  readonly unitOfWork: UnitOfWork;
}

/** With its release: savepoints left inside each other would make every look at a row slower than the one before. */
const TAKE_BACK = "ROLLBACK TO SAVEPOINT chunk; RELEASE SAVEPOINT chunk";

/** Why what was written of all chunks must not be kept. */
export type WholeStop = Exclude<WholeResult, { kind: "WRITTEN" }>;
type Refusal = Extract<WholeResult, { kind: "REFUSED" }>;

/** ALL_OR_NOTHING: all chunks in one transaction, see core's BulkWriter. */
export function writeAllChunks(
  ports: WholePorts,
  table: TableShape,
  work: BulkWork,
  onWritten: (counts: Counts) => void,
  signal: AbortSignal,
): Promise<WholeResult> {
  const { unitOfWork } = isPlainWork(work) ? ports : ports.records;
  return runOrRollBack<WholeResult>(unitOfWork, async (transaction) => {
    const end = await writeWhole({ ...ports, transaction }, table, work, "ALL_OR_NOTHING", onWritten, signal);
    return end === undefined ? { commit: { kind: "WRITTEN" } } : { rollBack: end };
  });
}

/**
 * Writes all chunks in the transaction.
 * @returns why it must not be kept, if so
 */
export async function writeWhole(
  ports: ChunkPorts,
  table: TableShape,
  work: BulkWork,
  errorPolicy: ErrorPolicy,
  onWritten: (counts: Counts) => void,
  signal: AbortSignal,
): Promise<WholeStop | undefined> {
  const session = requiredSession(ports.transaction);
  for (;;) {
    signal.throwIfAborted();
    const step = await writeOneOfAll(ports, table, work, errorPolicy);
    switch (step.kind) {
      case "WRITTEN":
        onWritten(step.counts);
        break;
      case "EXHAUSTED":
        // A deferred constraint would otherwise speak up only at the commit.
        await session.query("SET CONSTRAINTS ALL IMMEDIATE");
        if ((await countWritten(session, work.taskId)).pendingChunks === 0) {
          return finishWhole(ports, work, errorPolicy);
        }
        break;
      case "FENCED":
      case "CANCELLED":
      case "REFUSED":
        return step;
    }
  }
}

/**
 * The guard and the fence come last: held from the start, they would keep claims off the models that are referred to,
 * and all others off the task's row meanwhile.
 */
async function finishWhole(
  { locks, transaction }: ChunkPorts,
  work: BulkWork,
  errorPolicy: ErrorPolicy,
): Promise<WholeStop | undefined> {
  const held = errorPolicy === "SKIP_FAILED" ? [] : await heldReferencesOfAll(locks, transaction, work);
  return held.length > 0 ? { kind: "REFUSED", errors: held } : takeFence(requiredSession(transaction), work);
}

/** One chunk of all; under ALL_OR_NOTHING its failures refuse the whole, else they are recorded. */
async function writeOneOfAll(
  ports: ChunkPorts,
  table: TableShape,
  work: BulkWork,
  errorPolicy: ErrorPolicy,
): Promise<ChunkResult | Refusal> {
  const session = requiredSession(ports.transaction);
  const isWhole = errorPolicy === "ALL_OR_NOTHING";
  if (isPlainWork(work) && (isWhole || work.references === undefined)) {
    await session.query("SAVEPOINT chunk");
    try {
      const result = await writeAsOne(session, table, work, true);
      // Which records failed is told only the careful way.
      const hasFailures = isWhole && result.kind === "WRITTEN" && result.counts.failed > 0;
      await session.query(hasFailures ? TAKE_BACK : "RELEASE SAVEPOINT chunk");
      if (!hasFailures) {
        return result;
      }
    } catch (error) {
      if (constraintProblem(error, table) === undefined) {
        throw error;
      }
      await session.query(TAKE_BACK);
    }
  }
  return writeOneCarefully(ports, table, work, isWhole);
}

async function writeOneCarefully(
  ports: ChunkPorts,
  table: TableShape,
  work: BulkWork,
  isWhole: boolean,
): Promise<ChunkResult | Refusal> {
  const session = requiredSession(ports.transaction);
  const [chunk] = await session.query<ChunkRow>(TAKE_CHUNK, [work.taskId]);
  if (chunk === undefined) {
    return { kind: "EXHAUSTED" };
  }
  // What they refer to is guarded for all of them together, at the end, where they stand or fall together.
  const own = isWhole ? { ...work, references: undefined } : work;
  const written = await writeBatch(ports, table, own, batchOf(chunk));
  const failures = written.errors.filter((error) => error.outcome === "FAILED");
  return isWhole && failures.length > 0
    ? { kind: "REFUSED", errors: failures }
    : finishChunk(session, work.taskId, chunk.number, written);
}
