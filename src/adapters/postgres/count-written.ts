import type { SqlSession } from "../../kernel/sql-session.ts";
import type { WrittenChunks } from "../../core/bulk/bulk-writer.ts";
import type { Counts } from "../../core/tasks/progress.ts";
import { COUNT_WRITTEN } from "./sql/bulk-chunk-steps.ts";

/** What a task's chunks add up to, as the session sees them. */
export async function countWritten(session: SqlSession, taskId: string): Promise<WrittenChunks> {
  const [row] = await session.query<Counts & { pending: number }>(COUNT_WRITTEN, [taskId]);
  const { pending, ...counts } = row ?? { succeeded: 0, failed: 0, skipped: 0, pending: 0 };
  return { counts, pendingChunks: pending };
}
