import { readModelRegistry } from "../adapters/prisma/read-model-registry.ts";
import { builtInNames } from "../graphql/create-schema.ts";
import { exportTask } from "../core/files/export-task.ts";
import type { SavedViews } from "../core/saved-views/saved-views.ts";
import type { Schedules } from "../core/schedules/schedules.ts";
import { addSavedViews } from "../graphql/saved-views.ts";
import { addSchedules } from "../graphql/schedules.ts";
import { addHealth } from "../graphql/health.ts";
import { addImports } from "../graphql/imports.ts";
import { addRecordEvents } from "../graphql/record-events.ts";
import type { ChosenNames } from "../graphql/models/choose-names.ts";
import { chooseNames } from "../graphql/models/choose-names.ts";
import type { LaunchableTask } from "../graphql/tasks/launchable-task.ts";
import { launchableTask, namedTask } from "../graphql/tasks/launchable-task.ts";
import type { LaunchOwnTask } from "../graphql/tasks/launch-fields.ts";
import type { NotificationSchemaPorts } from "../graphql/notifications/notification-schema.ts";
import { createNotificationSchema } from "../graphql/notifications/notification-schema.ts";
import { createTaskSchema } from "../graphql/tasks/task-schema.ts";
import type { SchemaContributor } from "../graphql/builder.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { schemaOf } from "./define-config.ts";

/** The project's models and tasks, with their names in the API. */
export interface ReadModels extends ChosenNames {
  /** The tasks of the app's own, in the order of the config, and the export. */
  readonly ownTasks: readonly LaunchableTask[];
}

/**
 * The project's models and their names in the API, read without a database.
 * @param defaultSchema the PostgreSQL schema of the models that name none; default: "public"
 */
export function readModels(
  config: Pick<PowerCrudConfig, "generated" | "models" | "enums" | "tasks" | "relay">,
  defaultSchema?: string,
): ReadModels {
  const models = config.models ?? {};
  const schema = schemaOf(config);
  const ownTasks = [...(config.tasks ?? []), exportTask(onlyLookedAt)].map(launchableTask);
  const chosen = chooseNames(
    readModelRegistry(schema, models, defaultSchema),
    { models, enums: config.enums, tasks: ownTasks.map(namedTask) },
    builtInNames(printedParts(), config.relay === true),
  );
  return { ...chosen, ownTasks };
}

/** The parts of a schema besides the models, for a schema that is only looked at. */
export function printedParts(
  ownTasks: readonly LaunchableTask[] = [],
  launch: LaunchOwnTask = onlyPrinted,
): readonly SchemaContributor[] {
  type Ports = Parameters<typeof createTaskSchema>[0];
  // Every method exists, and rejects.
  const neverCalled = new Proxy({}, { get: () => onlyPrinted });
  const tasks = createTaskSchema({
    tasks: neverCalled as Ports["tasks"],
    log: neverCalled as Ports["log"],
    feed: neverCalled as Ports["feed"],
    controls: { cancelTask: onlyPrinted, pauseTask: onlyPrinted, resumeTask: onlyPrinted },
    retryTask: onlyPrinted,
    own: { tasks: ownTasks, launch },
  });
  const schedules = addSchedules({
    schedules: neverCalled as Schedules,
    tasks: neverCalled as Ports["tasks"],
    inWords: (expression) => expression,
  });
  const notifications = createNotificationSchema(neverCalled as NotificationSchemaPorts);
  const recordEvents = addRecordEvents({ subscribe: onlyPrinted });
  const imports = addImports({ open: onlyPrinted, find: onlyPrinted, columnUses: onlyLookedAt });
  const savedViews = addSavedViews(neverCalled as SavedViews);
  return [tasks, schedules, notifications, savedViews, recordEvents, imports, addHealth(onlyPrinted)];
}

function onlyLookedAt(): never {
  throw new TypeError("a definition that is only looked at does not run");
}

/** Takes the place of everything that a schema calls when it is executed. */
export function onlyPrinted(): Promise<never> {
  return Promise.reject(new TypeError("this schema can only be printed, not executed"));
}
