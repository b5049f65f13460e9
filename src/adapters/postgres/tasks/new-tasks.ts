import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { CreateResult, IdempotentTask, NewTask, NewTasks } from "../../../core/tasks/new-tasks.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { joinColumns, joinIds } from "../sql/joined-texts.ts";
import { COPY_COLUMNS, INSERT_SKIPPED_CHUNK } from "../sql/chunks.ts";
import { INSERT_TASK_ERRORS } from "../sql/results.ts";
import { FIND_BY_IDEMPOTENCY_KEY, FIND_DUPLICATE, INSERT_TASK, LOCK_DUPLICATE } from "../sql/tasks.ts";
import { taskErrorColumns } from "./task-errors.ts";

const FOREIGN_KEY_VIOLATION = "23503";

/** Stores new tasks, and finds the earlier task that answers a repeated launch. @param session for reading */
export function createNewTasks(session: SqlSession): NewTasks {
  return {
    create: (transaction, task) => createTask(requiredSession(transaction), task),
    findByIdempotencyKey: (viewer, key) => findOne(session, FIND_BY_IDEMPOTENCY_KEY, viewer.id, key),
    findDuplicate: (viewer, key) => findOne(session, FIND_DUPLICATE, viewer.id, key),
    async lockDuplicate(transaction, viewer, key) {
      const locking = requiredSession(transaction);
      await locking.query(LOCK_DUPLICATE, [viewer.id, key]);
      // A separate statement, so that it sees tasks that were committed while this one waited for the lock.
      return findOne(locking, FIND_DUPLICATE, viewer.id, key);
    },
  };
}

/** Takes one statement for task and chunks, two more for skipped records, and one more for the values of a retry. */
async function createTask(session: SqlSession, task: NewTask): Promise<CreateResult> {
  const inserted = await session.query(INSERT_TASK, await insertValues(task)).catch((error: unknown) => {
    if (isRetriedTaskMissing(error)) {
      return undefined;
    }
    throw error;
  });
  if (inserted === undefined) {
    return { kind: "RETRIED_TASK_GONE" };
  }
  if (inserted.length > 0) {
    await insertSkipped(session, task);
    await copyColumns(session, task);
    return { kind: "CREATED" };
  }
  const existing = await findExisting(session, task);
  // Settled or pruned between the two statements: the key is free again.
  return existing === undefined ? createTask(session, task) : { kind: "EXISTING", existing };
}

/** Whether the retried task was pruned after the launch had read it. */
function isRetriedTaskMissing(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { readonly code?: unknown; readonly constraint?: unknown };
  return code === FOREIGN_KEY_VIOLATION && constraint === "task_retry_of_fkey";
}

async function findExisting(
  session: SqlSession,
  { idempotencyKey, duplicateKey, viewer }: NewTask,
): Promise<IdempotentTask | undefined> {
  return (
    (idempotencyKey === null
      ? undefined
      : await findOne(session, FIND_BY_IDEMPOTENCY_KEY, viewer.id, idempotencyKey)) ??
    (duplicateKey === null ? undefined : await findOne(session, FIND_DUPLICATE, viewer.id, duplicateKey))
  );
}

async function copyColumns(session: SqlSession, { id, retryOf, chunks }: NewTask): Promise<void> {
  if (retryOf !== null && chunks.some(({ fields }) => fields.length > 0)) {
    await session.query(COPY_COLUMNS, [id, retryOf]);
  }
}

async function insertSkipped(session: SqlSession, { id, skipped }: NewTask): Promise<void> {
  if (skipped.length > 0) {
    await session.query(INSERT_SKIPPED_CHUNK, [id, skipped.flatMap(({ recordId }) => recordId ?? [])]);
    await session.query(INSERT_TASK_ERRORS, [id, ...taskErrorColumns(skipped)]);
  }
}

/** @param creator the viewer's id; null for an anonymous one */
async function findOne(
  session: SqlSession,
  text: string,
  creator: string | null,
  key: string,
): Promise<IdempotentTask | undefined> {
  const [row] = await session.query<{ id: string; input_hash: string }>(text, [creator, key]);
  return row === undefined ? undefined : { id: row.id, inputHash: row.input_hash };
}

async function insertValues(task: NewTask): Promise<readonly unknown[]> {
  const { texts, separator } = await joinIds(task.chunks.map(({ ids }) => ids));
  return [
    task.id,
    task.kind,
    task.model,
    task.label,
    task.errorPolicy,
    JSON.stringify(task.viewer),
    JSON.stringify(task.input),
    task.inputHash,
    task.idempotencyKey,
    task.createdAt,
    task.total,
    texts,
    separator,
    JSON.stringify(task.claims),
    task.skipped.length,
    ...(await columnValues(task.chunks)),
    task.isDryRun,
    task.retryOf,
    task.duplicateKey,
    task.parent,
    task.schedule,
    task.notify === null ? null : JSON.stringify(task.notify),
    task.concurrency?.key ?? null,
    task.concurrency?.max ?? null,
    task.onConflict,
    task.trace ?? null,
  ];
}

async function columnValues(chunks: readonly RecordBatch[]): Promise<readonly unknown[]> {
  if (chunks.every(({ fields }) => fields.length === 0)) {
    return [null, null, null, null, null];
  }
  const { texts, divider, separator, nullMark } = await joinColumns(chunks);
  return [chunks.map(({ fields }) => JSON.stringify(fields)), texts, divider, separator, nullMark];
}
