import type { SqlSession } from "../../kernel/sql-session.ts";
import type { CreateResult, IdempotentTask, NewTask } from "../../core/tasks/task-store.ts";
import { joinIds } from "./joined-ids.ts";
import { FIND_BY_IDEMPOTENCY_KEY, INSERT_SKIPPED_CHUNK, INSERT_TASK } from "./sql/insert-task.ts";
import { INSERT_TASK_ERRORS } from "./sql/settle-task.ts";
import { taskErrorColumns } from "./task-error-columns.ts";

/** Writes task and chunks in one statement; what is skipped from the start, in two more. */
export async function createTask(session: SqlSession, task: NewTask): Promise<CreateResult> {
  const inserted = await session.query(INSERT_TASK, insertValues(task));
  if (inserted.length > 0) {
    await insertSkipped(session, task);
    return { isCreated: true };
  }
  const key = task.idempotencyKey ?? "";
  const existing = await findByIdempotencyKey(session, task.viewer.id, key);
  // Gone between the two statements only where somebody pruned it: then the key is free again.
  return existing === undefined ? createTask(session, task) : { isCreated: false, existing };
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
  const [row] = await session.query<{ id: string; input_hash: string }>(FIND_BY_IDEMPOTENCY_KEY, [
    creator,
    key,
  ]);
  return row === undefined ? undefined : { id: row.id, inputHash: row.input_hash };
}

function insertValues(task: NewTask): readonly unknown[] {
  const { texts, separator } = joinIds(task.chunks);
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
  ];
}
