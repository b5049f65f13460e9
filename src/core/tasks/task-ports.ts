import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { EventLog } from "../events/event-log.ts";
import type { LockStore } from "../locks/lock-store.ts";
import type { UnitOfWork } from "../transactions/transaction.ts";
import type { TaskDefinitions } from "./task-definition.ts";
import type { TaskHooks } from "./task-hooks.ts";
import type { TaskQueue } from "./task-queue.ts";
import type { TaskStore } from "./task-store.ts";

/** What the task use cases work with; each takes the part it needs. */
export interface TaskPorts {
  readonly unitOfWork: UnitOfWork;
  readonly tasks: TaskStore;
  readonly log: EventLog;
  readonly bus: EventBus;
  readonly locks: LockStore;
  readonly queue: TaskQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * For tasks in line whose dependents are to be read anew. Without it, or where a kind is not known, they are left to
   * processes that know it.
   */
  readonly definitions?: TaskDefinitions;
  /** The app's callbacks. */
  readonly hooks?: TaskHooks;
}
