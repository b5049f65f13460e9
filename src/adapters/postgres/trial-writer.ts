import type { SqlSession } from "../../kernel/sql-session.ts";
import type { BulkWork, TrialResult } from "../../core/bulk/bulk-writer.ts";
import { MAX_TRIAL_ERRORS } from "../../core/bulk/bulk-writer.ts";
import type { AcquireResult, LockConflict, LockStore } from "../../core/locks/lock-store.ts";
import type { Counts } from "../../core/tasks/progress.ts";
import type { ErrorPolicy } from "../../core/tasks/task.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import { runOrRollBack } from "../../core/transactions/run-or-roll-back.ts";
import { countWritten } from "./count-written.ts";
import { isPlainWork } from "./is-plain-work.ts";
import { COUNT_ERRORS_AFTER, LAST_ERROR_POSITION, LIST_TASK_ERRORS } from "./sql/results.ts";
import type { TaskErrorRow } from "./tasks/task-errors.ts";
import { toTaskError } from "./tasks/task-errors.ts";
import type { TableShape } from "./table-shape.ts";
import type { WholePorts } from "./whole-writer.ts";
import { writeWhole } from "./whole-writer.ts";

/** A dry run: all chunks in one transaction that is rolled back, see core's BulkWriter. */
export function tryAllChunks(
  ports: WholePorts,
  table: TableShape,
  work: BulkWork,
  errorPolicy: ErrorPolicy,
  onWritten: (counts: Counts) => void,
  signal: AbortSignal,
): Promise<TrialResult> {
  const locks = lookOnly(ports.locks);
  const { unitOfWork } = isPlainWork(work) ? ports : ports.records;
  return runOrRollBack<TrialResult>(unitOfWork, async (transaction) => {
    const session = requiredSession(transaction);
    const lastPosition = await lastErrorPosition(session, work.taskId);
    if (errorPolicy === "SKIP_FAILED") {
      // Chunk by chunk, as they would speak up at the end of each chunk's own transaction.
      await session.query("SET CONSTRAINTS ALL IMMEDIATE");
    }
    const trialPorts = { ...ports, transaction, locks };
    const stop = await writeWhole(trialPorts, table, work, errorPolicy, onWritten, signal);
    return { rollBack: stop ?? (await readTrial(session, work.taskId, lastPosition)) };
  });
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
function lookOnly(locks: Pick<LockStore, "owners">): Pick<LockStore, "guard"> {
  return {
    async guard(_transaction, claims, owner): Promise<AcquireResult> {
      const conflicts: LockConflict[] = [];
      for (const { model, ids } of claims) {
        const owners = await locks.owners(model, ids === "all" ? [] : ids);
        const others = [...owners].filter(([, holder]) => holder !== owner);
        conflicts.push(...others.map(([id, holder]) => ({ model, id, owner: holder })));
      }
      return conflicts.length === 0
        ? { kind: "GRANTED" }
        : { kind: "CONFLICT", conflicts, totalConflicts: conflicts.length };
    },
  };
}
