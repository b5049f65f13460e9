import type { GraphQLSchema } from "graphql";
import type { Logger } from "../kernel/logger.ts";
import type { Audit } from "../kernel/audit.ts";
import type { Tracing } from "../kernel/tracing.ts";
import { createSilentLogger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import type { MembersOf, MembersShape } from "../kernel/shape.ts";
import { composeServices, createService } from "../kernel/service.ts";
import { createSystemClock } from "../kernel/clock.ts";
import type { ExportTaskPorts } from "../core/files/export-task.ts";
import { exportTask } from "../core/files/export-task.ts";
import type { FileExports } from "../core/files/file-exports.ts";
import type { TaskFeed } from "../core/events/task-feed.ts";
import { createTaskFeed } from "../core/events/task-feed.ts";
import type { RateStore } from "../core/access/rate-store.ts";
import type { TaskFiles } from "../core/tasks/task-files.ts";
import type { WriteId } from "../core/records/typed-id.ts";
import { createTypedIdWriter, writePlainId } from "../core/records/typed-id.ts";
import { createViewerSessions } from "../core/access/viewer-sessions.ts";
import { describeServing } from "../core/records/serve-model.ts";
import { sweepNow } from "../core/sweeper/sweep.ts";
import type { TaskManagerPorts } from "../core/tasks/manager/create-task-manager.ts";
import { createTaskManager } from "../core/tasks/manager/create-task-manager.ts";
import type { Reservations } from "../core/tasks/manager/reservations.ts";
import { createReservations } from "../core/tasks/manager/reservations.ts";
import { waitForTask } from "../core/tasks/manager/wait-for-task.ts";
import type { TaskManager } from "../core/tasks/manager/task-manager.ts";
import { createInboxFeed } from "../core/notifications/inbox-feed.ts";
import { createRecordFeed } from "../core/record-events/record-feed.ts";
import type { ProcessRole } from "../core/processes/process-register.ts";
import type { Imports } from "../core/imports/imports.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { Schedules } from "../core/schedules/schedules.ts";
import type { Metrics } from "../adapters/metrics/create-metrics.ts";
import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import { createPrismaChunkRecords } from "../adapters/prisma/prisma-chunk-records.ts";
import { createPrismaHookTransactions } from "../adapters/prisma/prisma-hook-transactions.ts";
import { translatePrismaError } from "../adapters/prisma/prisma-unavailable.ts";
import type { OpenBoard } from "../server/queue-board-handler.ts";
import type { Config } from "../config/config.ts";
import { completeConfig } from "../config/config.ts";
import { checkOptions } from "./check-config.ts";
import type { Authentication } from "./create-authentication.ts";
import { createAuthentication, defaultAccessOf, isAuthRequired } from "./create-authentication.ts";
import { chooseBackend } from "./choose-backend.ts";
import type { ConnectedModels } from "./connect-models.ts";
import { connectModels } from "./connect-models.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { createEngine } from "./create-engine.ts";
import type { HealthReader } from "./create-health.ts";
import { createHealth } from "./create-health.ts";
import { createScheduling, readSchedules } from "./create-scheduling.ts";
import { createWorkers, sweepOptionsOf } from "./create-workers.ts";
import { markNativeTypes } from "./mark-native-types.ts";
import type { ReadModels } from "./read-models.ts";
import type { NotifyChannels } from "./notify-channels.ts";
import { createNotifyChannels } from "./notify-channels.ts";
import { readModels } from "./read-models.ts";
import type { Instruments } from "./instruments.ts";
import { createInstruments } from "./instruments.ts";
import { scopedLogger } from "./scoped-logger.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { createAppSchema } from "./create-app-schema.ts";
import { createExports, launchOwnTask } from "./create-exports.ts";

/** The options of {@link createPowerCrud}. */
export interface PowerCrudOptions {
  /** The default export of `powercrud.config.ts`, or the same made elsewhere. */
  readonly config: PowerCrudConfig;
  /** A migrated PostgreSQL (see migrateDatabase). */
  readonly databaseUrl: string;
  /** The folder that holds `prisma/`, absolute. Default: `health` checks the engine's own migrations only. */
  readonly projectDir?: string;
  /**
   * What this process does: `start` launches and runs tasks (the default), `serve` launches, `work` runs, and each of them
   * sweeps. `client` only launches and watches, such as a script: no other process knows of it, and it does no chores. Small
   * and synchronous tasks run where they are launched, in a client too.
   */
  readonly role?: ProcessRole | "client";
  /** Settings that differ from the defaults; see `docs/configuration.md`. Durations are in ms. */
  readonly settings?: Partial<Config>;
  /** Default: logs nothing. */
  readonly logger?: Logger;
  /** Where the lines of the audit log go, at info. Default: to `logger`. */
  readonly auditLogger?: Logger;
}

const OPTIONS_SHAPE = {
  kind: "MEMBERS",
  members: {
    config: { kind: "ANY" },
    databaseUrl: { kind: "TEXT" },
    projectDir: { kind: "TEXT" },
    role: { kind: "WORD", words: ["start", "serve", "work", "client"], what: "a role" },
    settings: { kind: "ANY" },
    logger: { kind: "ANY" },
    auditLogger: { kind: "ANY" },
  } satisfies MembersOf<PowerCrudOptions>,
  required: ["config", "databaseUrl"],
} as const satisfies MembersShape;

/** Schema, engine, worker and sweeper in this process. `start` begins to take tasks; `stop` waits for the chunks under way. */
export interface PowerCrud extends Service {
  /** An executable schema for any GraphQL server; the context of each operation is a new `{viewer}`. */
  readonly schema: GraphQLSchema;
  /** The id of this process in the deployment. */
  readonly processId: string;
  /** Launches tasks, looks them up, waits for them, and whatever else can be done with them. */
  readonly tasks: TaskManager;
  /** Imports: tasks whose rows come from a file. For a server. */
  readonly imports: Imports & { readonly models: ModelRegistry };
  /** How the API writes the id of a record: plain, or with its model's name in Relay mode. Code takes and gets plain ids. */
  readonly writeId: WriteId;
  /** The schedules of the config: look at them, run, pause and resume them. */
  readonly schedules: Schedules;
  /** The events of all tasks, live and replayed. Its iterators throw AppError UNAVAILABLE when this stops. */
  readonly feed: TaskFeed;
  /** Opens Bull Board on the queue, for a server; undefined where its packages are not installed. */
  readonly openBoard: OpenBoard;
  /** Counts what callers ask for, for the rate limit of a server. */
  readonly rates: RateStore;
  /** Exports of records, for a server. */
  readonly exports: FileExports;
  /** The files that tasks have exported, for a server. */
  readonly taskFiles: Pick<TaskFiles, "read">;
  /** What the query `health` answers. */
  readonly health: HealthReader;
  /** Who asks: for a server. */
  readonly authentication: Omit<Authentication, keyof Service>;
  /** What this process does, for Prometheus: for a server of your own. `POWERCRUD_METRICS_PORT` serves it at an address. */
  readonly metrics: Pick<Metrics, "contentType" | "read" | "request" | "webSockets">;
  /** For a server: traces by OpenTelemetry's API, if the app has registered an SDK. */
  readonly tracing: Tracing;
  /** For a server: writes down who was refused. */
  readonly audit: Audit;
}

/**
 * Wires everything but the server. Reads the database's catalog, so the database must be migrated.
 * @throws AppError MIGRATION_FAILED when a column is missing, INVALID_CONFIG when the app cannot be served as it is,
 *   UNAVAILABLE when the database cannot be reached
 */
export async function createPowerCrud(options: PowerCrudOptions): Promise<PowerCrud> {
  checkOptions(options, OPTIONS_SHAPE);
  const opened: (() => Promise<void>)[] = [];
  try {
    return await wire(options, (close) => void opened.push(close));
  } catch (error) {
    // Whoever stops the database next must not break connections: their errors would hide this one.
    for (const close of opened.toReversed()) {
      await close().catch(() => undefined);
    }
    throw error;
  }
}

/** @param onOpen is given what closes each part that was opened */
async function wire(
  options: PowerCrudOptions,
  onOpen: (close: () => Promise<void>) => void,
): Promise<PowerCrud> {
  const { config: project, databaseUrl, role = "start" } = options;
  const logger = scopedLogger(options.logger ?? createSilentLogger());
  const config = completeConfig(options.settings);
  const read = readModels(project, schemaOfUrl(databaseUrl));
  read.notices.forEach((line) => logger.info({}, line));
  const configured = await readSchedules(project);
  const channels = createNotifyChannels(project, config);
  const backend = await chooseBackend(config, logger);
  logger.info({ backend: backend.name, reason: backend.reason }, "the backend is chosen");
  const sessions = createViewerSessions(project.auth?.session);
  const connected = connectModels({ generated: project.generated, databaseUrl, config, logger, sessions });
  onOpen(() => connected.disconnect());
  const instruments = createInstruments({ ...options, config }, () => ({ engine, connected, ...feeds }));
  const engine = await createEngine({
    ...engineParts(project, connected, () => ({ exports: ready.exports, files: engine.ports.files })),
    config,
    databaseUrl,
    backend,
    sessions,
    modelOptions: project.models ?? {},
    defaultAccess: defaultAccessOf(config, project.auth ?? {}),
    loadViewer: project.auth?.loadViewer,
    logger,
    ...instruments.engine,
    notifyPolicy: channels.policy,
    readModels: (shapes) => markNativeTypes(read.models, shapes, read.problems),
  });
  onOpen(() => engine.deployment.close());
  describeServing(engine.models.all()).forEach((line) => logger.info({}, line));
  const feeds = createFeeds(engine, instruments);
  const opened = { options, project, config, read, connected, engine, feeds, instruments, channels };
  const ready = assemble({ ...opened, configured, role, logger });
  return ready;
}

/** What was opened, and what the parts are made of. */
interface OpenedParts {
  readonly options: PowerCrudOptions;
  readonly project: PowerCrudConfig;
  readonly config: Config;
  readonly read: ReadModels;
  readonly connected: ConnectedModels;
  readonly engine: Engine;
  readonly feeds: ReturnType<typeof createFeeds>;
  readonly instruments: Instruments;
  readonly channels: NotifyChannels;
  readonly configured: Awaited<ReturnType<typeof readSchedules>>;
  readonly role: NonNullable<PowerCrudOptions["role"]>;
  readonly logger: Logger;
}

function assemble(opened: OpenedParts): PowerCrud {
  const { options, project, config, read, connected, engine, feeds, instruments, channels } = opened;
  const { role, logger } = opened;
  const health = healthOf(engine, options, config);
  const reservations = connectReservations(engine, feeds.feed);
  const scheduling = createScheduling(engine, { ...opened.configured, role, config });
  const chores = role === "client" ? [] : createChores(engine, { config, role, channels, instruments });
  const authentication = createAuthentication(config, project.auth ?? {}, engine);
  const exports = createExports({
    engine,
    connected,
    config,
    schema: () => schema,
    names: read.names,
  });
  const schema: GraphQLSchema = createAppSchema({
    ...connected,
    config,
    engine,
    ...feeds,
    statusPageOf: channels.statusPageOf,
    health,
    ...scheduling,
    names: read.names,
    ownTasks: read.ownTasks,
    launchOwnTask: (launch) => launchOwnTask(engine, exports, launch),
    project,
    logger,
    sight: authentication.sight,
    isAuthRequired: isAuthRequired(config),
    isAdmin: authentication.callers.isAdmin,
  });
  const background = [feeds.inboxFeed, feeds.recordFeed, reservations, ...chores, ...scheduling.services];
  return {
    ...composeServices("powercrud", [
      clientService(connected),
      engine,
      authentication,
      feeds.feed,
      ...background,
    ]),
    schema,
    exports,
    taskFiles: engine.ports.files,
    processId: engine.ports.workerId,
    tasks: createManager(engine, { ...feeds, reservations, config }),
    schedules: scheduling.schedules,
    imports: { ...engine.imports, models: engine.models },
    writeId: project.relay === true ? createTypedIdWriter(engine.models) : writePlainId,
    ...serverTools(engine),
    feed: feeds.feed,
    health,
    authentication,
    ...instruments.server,
  };
}

function createFeeds(engine: Engine, { onEvent }: Instruments) {
  const { ports, deployment } = engine;
  return {
    feed: createTaskFeed({ ...ports, onEvent }),
    inboxFeed: createInboxFeed({ ...ports, inbox: deployment.inbox }),
    recordFeed: createRecordFeed({ ...ports, ...engine, audience: deployment.announcer }),
  };
}

function createChores(
  engine: Engine,
  parts: {
    readonly config: Config;
    readonly role: ProcessRole;
    readonly channels: NotifyChannels;
    readonly instruments: Instruments;
  },
): readonly Service[] {
  const { config, role, channels, instruments } = parts;
  return [...createWorkers(engine, config, role, { ...channels, ...instruments }), ...instruments.services];
}

function serverTools({ deployment: { openBoard, rates } }: Engine): Pick<PowerCrud, "openBoard" | "rates"> {
  return { openBoard, rates };
}

/** What the engine takes from the project and from Prisma's client. */
function engineParts(
  { tasks = [], hooks }: PowerCrudConfig,
  { clientOfViewer: client, transactions, rows, reads }: ConnectedModels,
  exporting: () => ExportTaskPorts,
): Pick<
  EngineOptions,
  | "clock"
  | "tasks"
  | "hooks"
  | "client"
  | "translateError"
  | "createChunkRecords"
  | "hookTransactions"
  | "rows"
  | "reads"
> {
  return {
    clock: createSystemClock(),
    tasks: [...tasks, exportTask(exporting)],
    hooks,
    client,
    rows,
    reads,
    translateError: translatePrismaError,
    createChunkRecords: (readerOf) => createPrismaChunkRecords({ transactions, readerOf }),
    hookTransactions: createPrismaHookTransactions(transactions),
  };
}

function healthOf(
  { deployment }: Engine,
  { projectDir, databaseUrl }: PowerCrudOptions,
  config: Config,
): HealthReader {
  const project = projectDir === undefined ? undefined : { projectDir, databaseUrl };
  return createHealth({ deployment, config, project });
}

function connectReservations({ ports, models, deployment, watch }: Engine, feed: TaskFeed): Reservations {
  const reservations = createReservations({
    ...ports,
    models,
    followTime: () => deployment.followTime(),
    untilSettled: (taskId, limits) => waitForTask({ feed, clock: ports.clock }, taskId, limits),
  });
  return { ...reservations, reserve: watch?.reserve(reservations.reserve) ?? reservations.reserve };
}

function createManager(
  { ports, launchBulk, launchOwn, retryTask, controls, showPreviews, deployment }: Engine,
  parts: Pick<TaskManagerPorts, "feed" | "reservations"> & { readonly config: Config },
): TaskManager {
  return createTaskManager({
    launching: ports,
    launchBulk,
    launchOwn,
    retryTask,
    ...parts,
    controls,
    showPreviews,
    sweep: () => sweepNow(ports, sweepOptionsOf(parts.config, deployment)),
  });
}

function clientService(connected: ConnectedModels): Service {
  return createService({
    name: "prisma client",
    start: () => connected.client.$connect(),
    stop: () => connected.disconnect(),
  });
}
