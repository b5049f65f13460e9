import type { NewTasks } from "./new-tasks.ts";
import type { PostponedTasks } from "./postponed-tasks.ts";
import type { StrandedTasks } from "./stranded-tasks.ts";
import type { HookCalls } from "./hook-calls.ts";
import type { TaskAttempts } from "./task-attempts.ts";
import type { TaskPauses } from "./task-pauses.ts";
import type { TaskReads } from "./task-reads.ts";
import type { TaskResults } from "./task-results.ts";
import type { WaitingLine } from "./waiting-line.ts";

/**
 * The durable tasks with their chunks, attempts and errors, as one store implements them. A use case asks for the parts
 * that it needs. Methods with a transaction write within it; the others read what is committed.
 */
export interface TaskStore
  extends
    NewTasks,
    WaitingLine,
    TaskAttempts,
    TaskPauses,
    TaskReads,
    TaskResults,
    StrandedTasks,
    PostponedTasks,
    HookCalls {}
