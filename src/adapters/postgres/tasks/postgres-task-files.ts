import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { TaskFiles } from "../../../core/tasks/task-files.ts";

/** $1 task, $2 attempt, $3 part, $4 bytes. */
const APPEND =
  "INSERT INTO powercrud.task_file (task_id, attempt, part, bytes) VALUES ($1::uuid, $2, $3, $4)";
/** $1 task, $2 attempt, $3 part. */
const READ = "SELECT bytes FROM powercrud.task_file WHERE task_id = $1::uuid AND attempt = $2 AND part = $3";
/** The most parts that one call deletes. */
const PRUNE_PARTS = 1_000;
/**
 * $1 when tasks must have settled before. Nobody reads the parts of a settled task
 * that has no file as its result, and those of earlier attempts.
 */
const PRUNE = `
  DELETE FROM powercrud.task_file WHERE (task_id, attempt, part) IN (
    SELECT task_id, f.attempt, part FROM powercrud.task_file f JOIN powercrud.task t ON t.id = task_id
     WHERE t.finished_at < $1 OR t.finished_at IS NOT NULL AND t.status <> 'SUCCEEDED'
        OR f.attempt < t.attempt
     LIMIT ${PRUNE_PARTS})`;

/** Rows of `powercrud.task_file`. */
export function createPostgresTaskFiles({ session }: { readonly session: SqlSession }): TaskFiles {
  return {
    async append({ taskId, attempt }, part, bytes) {
      await session.query(APPEND, [taskId, attempt, part, bytes]);
    },
    async read({ taskId, attempt }, part) {
      const [row] = await session.query<{ bytes: Uint8Array }>(READ, [taskId, attempt, part]);
      return row?.bytes;
    },
    async prune(finishedBefore) {
      await session.query(PRUNE, [finishedBefore]);
    },
  };
}
