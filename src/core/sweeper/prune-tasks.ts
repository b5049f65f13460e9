import type { TaskPorts } from "../tasks/settle/task-ports.ts";

/** The most tasks that one pass deletes; the next pass takes the rest. */
const BATCH = 500;

/**
 * Deletes settled tasks that are older than their retention; their history and their idempotency keys go with them.
 * What is not settled, or not cleaned, is never touched.
 * @param retentionMs how long a task is kept once it is settled; undefined for ever
 * @returns their ids, the oldest first
 */
export async function pruneTasks(
  { tasks, clock }: Pick<TaskPorts, "tasks" | "clock">,
  retentionMs: number | undefined,
): Promise<readonly string[]> {
  return retentionMs === undefined ? [] : tasks.prune(new Date(clock.now().getTime() - retentionMs), BATCH);
}
