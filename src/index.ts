/**
 * The public library: for a project's `powercrud.config.ts`, and for programs that embed the engine. See docs/embedding.md.
 * @module
 */
export { defineConfig } from "./compose/define-config.ts";
export { createPowerCrud } from "./compose/create-powercrud.ts";
export type { PowerCrud, PowerCrudOptions } from "./compose/create-powercrud.ts";
export type {
  AppSeed,
  AppSeedOptions,
  GeneratedSchema,
  ModelOptionsOf,
  PowerCrudConfig,
  SeedContext,
  SeedFunction,
} from "./compose/define-config.ts";
export type { ConfigOf, Variable, Variables } from "./config/variable.ts";
export { createService } from "./compose/create-service.ts";
export type { PowerCrudService, ServiceOptions } from "./compose/create-service.ts";
export { migrateDatabase } from "./compose/migrate-database.ts";
export type { MigrateOptions, MigrateReport } from "./compose/migrate-options.ts";

export { AppError, isAppError } from "./kernel/app-error.ts";
export { ERROR_CODES } from "./kernel/error-codes.ts";
export type { ErrorCode } from "./kernel/error-codes.ts";
export { createSilentLogger } from "./kernel/logger.ts";
export type { Logger } from "./kernel/logger.ts";
export type { Json, JsonObject } from "./kernel/json.ts";
export type { Service } from "./kernel/service.ts";

export type { EnumOptions, ModelOptions, ModelOptionsMap } from "./core/records/model-options.ts";
export type { FieldSwitches } from "./core/records/field-switches.ts";
export type {
  AppChange,
  AppProblem,
  AppRecord,
  AppRefusal,
  AppValues,
  HookChunk,
  HookRecord,
  ModelHooks,
  ValueChange,
  WriteContext,
  WriteOperation,
  WriteRules,
} from "./core/records/write-hooks.ts";
export type { Selection } from "./core/bulk/bulk-request.ts";
export type { WhereFilter } from "./core/access/access.ts";
export type {
  AccessOption,
  AccessQuestion,
  AccessRule,
  AccessRules,
  FieldRule,
  FieldRules,
} from "./core/access/access-rules.ts";
export type { FieldChange, LinkChange, RecordChange } from "./core/records/change.ts";
export type { Viewer } from "./core/access/viewer.ts";
export { ANONYMOUS } from "./core/access/viewer.ts";
export type { Claim } from "./core/locks/claim.ts";
export type { BulkRequest, LaunchBulk } from "./core/bulk/bulk-request.ts";
export type {
  AskOptions,
  EventsRequest,
  PageOptions,
  TaskLaunchOptions,
  TaskManager,
  TaskOrId,
} from "./core/tasks/manager/task-manager.ts";
export type { WaitOptions } from "./core/tasks/manager/wait-for-task.ts";
export type { Reservation } from "./core/tasks/manager/held-reservation.ts";
export type { ReserveOptions, ReserveOutcome } from "./core/tasks/manager/reservations.ts";
export type { LaunchOptions } from "./core/tasks/launch-options.ts";
export type { NotificationChannel, Notify, NotifyRequest, NotifyRule } from "./core/tasks/notify.ts";
export type { NotifyCallback, NotifyConfig } from "./core/notifications/notify-config.ts";
export type { OutgoingNotification } from "./core/notifications/notifier.ts";
export type { LaunchOutcome } from "./core/tasks/launch/launch-outcome.ts";
export { defineTask } from "./core/tasks/define-task.ts";
export type {
  DefinedTask,
  RunContext,
  TaskConcurrency,
  TaskOptions,
  TaskProgress,
  TaskRequest,
  TaskRetries,
} from "./core/tasks/define-task.ts";
export type {
  AffectedRecords,
  FailContext,
  FinalContext,
  LaunchHookContext,
  Listener,
  Listeners,
  ProgressContext,
  StartContext,
  StepContext,
  StepHooks,
  TaskFailure,
  TaskHooks,
} from "./core/tasks/task-hooks.ts";
export {
  currentTask,
  isInsideTask,
  registerDescendants,
  reportProgress,
} from "./core/tasks/run/task-context.ts";
export { tasks } from "./core/tasks/launch/launch-own.ts";
export type { InlineLaunch, NestedLaunchOptions } from "./core/tasks/launch/launch-own.ts";
export type { RecordIds } from "./core/locks/claim.ts";
export type { MissedPolicy, Schedule, ScheduleOptions, ScheduleOutcome } from "./core/schedules/schedule.ts";
export type { ScheduleChange, ScheduleRequest, Schedules } from "./core/schedules/schedules.ts";
export type { Task } from "./core/tasks/task.ts";
export type { TaskStatus } from "./core/tasks/task-status.ts";
export type { Counts, Progress } from "./core/tasks/progress.ts";
export type { TaskEvent } from "./core/events/task-event.ts";
export type { TaskFeed } from "./core/events/task-feed.ts";
