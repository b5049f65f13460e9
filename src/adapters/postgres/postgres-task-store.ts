import type { SqlSession } from "../../kernel/sql-session.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import { createNewTasks } from "./tasks/new-tasks.ts";
import { createStrandedTasks } from "./tasks/stranded-tasks.ts";
import { createTaskAttempts } from "./tasks/task-attempts.ts";
import { createTaskReads } from "./tasks/task-reads.ts";
import { createTaskResults } from "./tasks/task-results.ts";
import { createWaitingLine } from "./tasks/waiting-line.ts";

/**
 * Tasks, chunks, attempts and errors as rows of the schema `powercrud`.
 * @param options.session for what happens outside a caller's transaction
 */
export function createPostgresTaskStore({ session }: { readonly session: SqlSession }): TaskStore {
  return {
    ...createNewTasks(session),
    ...createWaitingLine(session),
    ...createTaskAttempts(session),
    ...createTaskReads(session),
    ...createTaskResults(session),
    ...createStrandedTasks(session),
  };
}
