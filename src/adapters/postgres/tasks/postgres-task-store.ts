import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { TaskStore } from "../../../core/tasks/task-store.ts";
import { createHookCalls } from "./hook-calls.ts";
import { createNewTasks } from "./new-tasks.ts";
import { createStrandedTasks } from "./stranded-tasks.ts";
import { createPostponedTasks } from "./postponed-tasks.ts";
import { createTaskAttempts } from "./task-attempts.ts";
import { createTaskPauses } from "./task-pauses.ts";
import { createTaskReads } from "./task-reads.ts";
import { createTaskResults } from "./task-results.ts";
import { createWaitingLine } from "./waiting-line.ts";

/**
 * Tasks, chunks, attempts and errors as rows of the schema `powercrud`.
 * @param options.session for statements outside a caller's transaction
 */
export function createPostgresTaskStore({ session }: { readonly session: SqlSession }): TaskStore {
  return {
    ...createNewTasks(session),
    ...createWaitingLine(session),
    ...createTaskAttempts(session),
    ...createPostponedTasks(session),
    ...createTaskPauses(session),
    ...createTaskReads(session),
    ...createTaskResults(session),
    ...createStrandedTasks(session),
    ...createHookCalls(session),
  };
}
