import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../kernel/logger.ts";
import type { Tracing } from "../../../kernel/tracing.ts";
import type { EventBus } from "../../events/event-bus.ts";
import type { EventLog } from "../../events/event-log.ts";
import type { LockStore } from "../../locks/lock-store.ts";
import type { Outbox } from "../../notifications/outbox.ts";
import type { UnitOfWork } from "../../transactions/transaction.ts";
import type { StrandedImports } from "../stranded-imports.ts";
import type { TaskDefinitions } from "../task-definition.ts";
import type { HookListeners } from "../task-hooks.ts";
import type { FinalStatus } from "../task-status.ts";
import type { TaskFiles } from "../task-files.ts";
import type { TaskQueue } from "../task-queue.ts";
import type { TaskStore } from "../task-store.ts";
import type { QuickSteps } from "./quick-steps.ts";

/** The ports of the task use cases. Each takes the part that it needs. @typeParam Tasks the part of the task store */
export interface TaskPorts<Tasks = TaskStore> {
  readonly unitOfWork: UnitOfWork;
  readonly tasks: Tasks;
  /** Default: every step takes the ordinary way. */
  readonly steps?: QuickSteps;
  readonly log: EventLog;
  readonly bus: EventBus;
  readonly locks: LockStore;
  readonly queue: TaskQueue;
  /** Looked at by the sweeper, for notifications whose announcement was lost. */
  readonly outbox?: Pick<Outbox, "nextDue">;
  /** The files that tasks have written, for the sweeper. */
  readonly files?: Pick<TaskFiles, "prune">;
  /** Looked at by the sweeper. Default: there are no imports. */
  readonly imports?: StrandedImports;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Needed to read the dependents of waiting tasks again. A process without the definition of a task's kind leaves the
   * task to other processes.
   */
  readonly definitions?: TaskDefinitions;
  /** The app's callbacks. */
  readonly hooks?: HookListeners;
  /** Says in which trace a task is launched. Default: in none. */
  readonly tracing?: Pick<Tracing, "current">;
  /** Told of each task that this process settled, after the commit. Must not throw. */
  readonly onSettled?: (kind: string, status: FinalStatus) => void;
  /** Told of each task that got the records for which it waited in line, and how long, in ms. Must not throw. */
  readonly onPromoted?: (kind: string, waitedMs: number) => void;
  /** How long an attempt, or the call of a hook, may be silent. */
  readonly leaseMs?: number;
}
