import type { GraphQLSchema } from "graphql";
import type { Logger } from "../kernel/logger.ts";
import type { TaskFeed } from "../core/events/task-feed.ts";
import type { NamedRecord } from "../core/tasks/task-reads.ts";
import type { TaskSight } from "../core/tasks/task-sight.ts";
import type { InboxFeed } from "../core/notifications/inbox-feed.ts";
import type { RecordFeed } from "../core/record-events/record-feed.ts";
import { createSavedViews } from "../core/saved-views/saved-views.ts";
import type { SavedViews } from "../core/saved-views/saved-views.ts";
import type { Viewer } from "../core/access/viewer.ts";
import type { Schedules } from "../core/schedules/schedules.ts";
import { pothosDatamodel } from "../adapters/prisma/pothos-datamodel.ts";
import { translatePrismaError } from "../adapters/prisma/prisma-unavailable.ts";
import { addImports } from "../graphql/imports.ts";
import { addHealth } from "../graphql/health.ts";
import { addRecordEvents } from "../graphql/record-events.ts";
import { addSavedViews } from "../graphql/saved-views.ts";
import { addSchedules } from "../graphql/schedules.ts";
import { reachOf } from "../graphql/viewer-info.ts";
import { createNotificationSchema } from "../graphql/notifications/notification-schema.ts";
import type { LaunchOwnTask } from "../graphql/tasks/launch-fields.ts";
import { createTaskSchema } from "../graphql/tasks/task-schema.ts";
import type { NameTable } from "../graphql/models/model-names.ts";
import { createSchema } from "../graphql/create-schema.ts";
import type { Config } from "../config/config.ts";
import type { ConnectedModels } from "./connect-models.ts";
import type { Engine } from "./engine.ts";
import type { HealthReader } from "./create-health.ts";
import { createRecordGroups, createRecordLists } from "./create-record-lists.ts";
import type { ReadModels } from "./read-models.ts";
import type { NotifyChannels } from "./notify-channels.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { schemaOf } from "./define-config.ts";

/** What the schema of an app is made of. */
interface SchemaParts extends ConnectedModels {
  readonly config: Config;
  readonly engine: Engine;
  readonly feed: TaskFeed;
  readonly inboxFeed: InboxFeed;
  readonly recordFeed: RecordFeed;
  readonly statusPageOf: NotifyChannels["statusPageOf"];
  readonly health: HealthReader;
  readonly schedules: Schedules;
  readonly cronInWords: (expression: string) => string;
  readonly names: NameTable;
  readonly ownTasks: ReadModels["ownTasks"];
  readonly launchOwnTask: LaunchOwnTask;
  readonly project: PowerCrudConfig;
  readonly logger: Logger;
  readonly sight: TaskSight;
  readonly isAuthRequired: boolean;
  readonly isAdmin: (viewer: Viewer) => boolean;
}

/** The GraphQL schema of the app: its models, and everything of tasks. */
export function createAppSchema(parts: SchemaParts): GraphQLSchema {
  const { config, engine, feed, inboxFeed, statusPageOf, health, names, project } = parts;
  return createSchema({
    datamodel: pothosDatamodel(schemaOf(project)),
    models: engine.models,
    names,
    modelOptions: project.models ?? {},
    access: engine.access,
    reader: engine.reader,
    lists: createRecordLists({
      ...engine,
      ...parts,
      rows: parts.reads,
      reader: config.reader,
      session: engine.appSession,
      ids: engine.reader,
    }),
    groups: createRecordGroups({ ...engine, ...parts, rows: parts.reads }),
    translateError: translatePrismaError,
    sessions: engine.sessions,
    writeOne: engine.writeOne,
    launchBulk: engine.launchBulk,
    maxRecords: config.bulkMaxRecords,
    locks: engine.ports.locks,
    tasks: engine.ports.tasks,
    isRelay: project.relay === true,
    sight: parts.sight,
    contributors: [
      createTaskSchema({
        tasks: engine.ports.tasks,
        log: engine.ports.log,
        feed,
        controls: engine.controls,
        retryTask: engine.retryTask,
        own: { tasks: parts.ownTasks, launch: parts.launchOwnTask },
        statusPageOf,
        locks: engine.ports.locks,
        reachesAll: (viewer, model) =>
          reachOf(engine.models, engine.models.get(model), engine.access, viewer) === "ALL",
        seesRecord: (viewer, record) => seesRecord(engine, viewer, record),
        showPreviews: engine.showPreviews,
        ...(engine.watch === undefined ? {} : { onMissing: engine.watch.missingTask }),
      }),
      addSchedules({ schedules: parts.schedules, tasks: engine.ports.tasks, inWords: parts.cronInWords }),
      createNotificationSchema({ ...engine.ports, inbox: engine.deployment.inbox, inboxFeed, statusPageOf }),
      addSavedViews(savedViewsOf(parts)),
      addRecordEvents(parts.recordFeed),
      addImports(engine.imports),
      addHealth(() => health.read()),
    ],
  });
}

/** Whether the viewer sees the record; one that is gone, whoever saw all. */
async function seesRecord(
  { models, access, reader }: Engine,
  viewer: Viewer,
  { model, id }: NamedRecord,
): Promise<boolean> {
  const reach = reachOf(models, models.get(model), access, viewer);
  return reach === "SOME"
    ? (await reader.existingIds(model, [id], access.scope(model, viewer, "READ"))).length > 0
    : reach === "ALL";
}

function savedViewsOf({ engine, isAuthRequired, isAdmin }: SchemaParts): SavedViews {
  const { models, access, deployment, ports } = engine;
  return createSavedViews({
    store: deployment.savedViews,
    clock: ports.clock,
    mayRead: (model, viewer) => reachOf(models, models.get(model), access, viewer) !== "NONE",
    isAuthRequired,
    isAdmin,
  });
}
