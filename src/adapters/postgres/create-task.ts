import type { SqlSession } from "../../kernel/sql-session.ts";
import type { CreateResult, IdempotentTask, NewTask } from "../../core/tasks/new-tasks.ts";
import { noTaskToRetry } from "../../core/tasks/new-tasks.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import { joinColumns } from "./joined-columns.ts";
import { joinIds } from "./joined-ids.ts";
import {
  FIND_BY_IDEMPOTENCY_KEY,
  FIND_DUPLICATE,
  INSERT_SKIPPED_CHUNK,
  INSERT_TASK,
  LOCK_DUPLICATE,
} from "./sql/insert-task.ts";
import { COPY_COLUMNS } from "./sql/retry-statements.ts";
import { INSERT_TASK_ERRORS } from "./sql/settle-task.ts";
import { taskErrorColumns } from "./task-error-columns.ts";

const FOREIGN_KEY_VIOLATION = "23503";

/**
 * Writes task and chunks in one statement; what is skipped from the start, in two more, and what a retry takes over from
 * the task that it retries, in one.
 */
export async function createTask(session: SqlSession, task: NewTask): Promise<CreateResult> {
  const inserted = await session.query(INSERT_TASK, insertValues(task)).catch((error: unknown) => {
    throw task.retryOf !== null && isMissingFirst(error) ? noTaskToRetry(task.retryOf) : error;
  });
  if (inserted.length > 0) {
    await insertSkipped(session, task);
    await copyColumns(session, task);
    return { kind: "CREATED" };
  }
  const existing = await findExisting(session, task);
  // Gone between the two statements where it was settled, or somebody pruned it: then the key is free again.
  return existing === undefined ? createTask(session, task) : { kind: "EXISTING", existing };
}

/** Pruned since the launch looked at it. */
function isMissingFirst(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { readonly code?: unknown; readonly constraint?: unknown };
  return code === FOREIGN_KEY_VIOLATION && constraint === "task_retry_of_fkey";
}

async function findExisting(
  session: SqlSession,
  { idempotencyKey, duplicateKey, viewer }: NewTask,
): Promise<IdempotentTask | undefined> {
  return (
    (idempotencyKey === null ? undefined : await findByIdempotencyKey(session, viewer.id, idempotencyKey)) ??
    (duplicateKey === null ? undefined : await findDuplicate(session, viewer.id, duplicateKey))
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

/** @param creator the viewer's id; null for the anonymous */
export async function findByIdempotencyKey(
  session: SqlSession,
  creator: string | null,
  key: string,
): Promise<IdempotentTask | undefined> {
  return findOne(session, FIND_BY_IDEMPOTENCY_KEY, creator, key);
}

/** The creator's unsettled task with the duplicate key. @param creator the viewer's id; null for the anonymous */
export async function findDuplicate(
  session: SqlSession,
  creator: string | null,
  key: string,
): Promise<IdempotentTask | undefined> {
  return findOne(session, FIND_DUPLICATE, creator, key);
}

/** The same, and others who ask in this way wait for the end of the transaction. */
export async function lockDuplicate(
  session: SqlSession,
  creator: string | null,
  key: string,
): Promise<IdempotentTask | undefined> {
  await session.query(LOCK_DUPLICATE, [creator, key]);
  // In a statement of its own: one sees what was committed before it began, not while it waited.
  return findDuplicate(session, creator, key);
}

async function findOne(
  session: SqlSession,
  text: string,
  creator: string | null,
  key: string,
): Promise<IdempotentTask | undefined> {
  const [row] = await session.query<{ id: string; input_hash: string }>(text, [creator, key]);
  return row === undefined ? undefined : { id: row.id, inputHash: row.input_hash };
}

function insertValues(task: NewTask): readonly unknown[] {
  const { texts, separator } = joinIds(task.chunks.map(({ ids }) => ids));
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
    ...columnValues(task.chunks),
    task.isDryRun,
    task.retryOf,
    task.duplicateKey,
  ];
}

function columnValues(chunks: readonly RecordBatch[]): readonly unknown[] {
  if (chunks.every(({ fields }) => fields.length === 0)) {
    return [null, null, null, null, null];
  }
  const { texts, divider, separator, nullMark } = joinColumns(chunks);
  return [chunks.map(({ fields }) => JSON.stringify(fields)), texts, divider, separator, nullMark];
}
