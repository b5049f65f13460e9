import { hostname } from "node:os";
import { createId } from "../kernel/ids.ts";
import type { Service } from "../kernel/service.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import { createService } from "../kernel/service.ts";
import { createRenewViewer } from "../core/access/renew-viewer.ts";
import { ANONYMOUS } from "../core/access/viewer.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import { modelNamer } from "../core/records/model.ts";
import { accessOf, lockScopesOf } from "../core/records/model-options.ts";
import { withAppEffects } from "../core/records/app-effects.ts";
import type { RecordHooks } from "../core/records/record-hooks.ts";
import { createClaimOf, createRecordHooks } from "../core/records/record-hooks.ts";
import type { RecordDefaults } from "../core/records/record-defaults.ts";
import { announceChunks, announceWrites } from "../core/bulk/announced-writes.ts";
import { BULK_OPERATIONS } from "../core/bulk/bulk-kinds.ts";
import { createBulkDefinition } from "../core/bulk/bulk-definition.ts";
import type { RecordAnnouncer } from "../core/events/record-announcer.ts";
import type { RecordWriter } from "../core/bulk/record-writer.ts";
import type { ChunkWriter } from "../core/bulk/chunk-writer.ts";
import { bulkRulesOf } from "../core/bulk/bulk-rules.ts";
import { finishByKey } from "../core/bulk/finish-by-key.ts";
import type { BulkPorts } from "../core/bulk/launch-bulk.ts";
import { launchOwn } from "../core/tasks/launch/launch-own.ts";
import { createLaunchBulk } from "../core/bulk/launch-bulk.ts";
import type { ShowPreviews } from "../core/bulk/preview.ts";
import { createShowPreviews } from "../core/bulk/show-previews.ts";
import type { WriteOne, WriteOnePorts } from "../core/bulk/write-one.ts";
import { createWriteOne } from "../core/bulk/write-one.ts";
import { createRetryTask } from "../core/bulk/retry-task.ts";
import type { RunningAttempts } from "../core/tasks/run/running-attempts.ts";
import { cancelTask } from "../core/tasks/run/cancel-task.ts";
import { pauseTask } from "../core/tasks/run/pause-task.ts";
import { resumeTask } from "../core/tasks/run/resume-task.ts";
import type { TaskControls } from "../core/tasks/run/task-controls.ts";
import type { EngineWatch } from "./watch-engine.ts";
import { createRunningAttempts } from "../core/tasks/run/running-attempts.ts";
import { launchCustom } from "../core/tasks/launch/launch-custom.ts";
import type { LaunchPorts } from "../core/tasks/launch/launch-task.ts";
import { limitDuration } from "../core/tasks/run/time-limit.ts";
import type { RunTools } from "../core/tasks/run/custom-definition.ts";
import { customDefinition } from "../core/tasks/run/custom-definition.ts";
import type { TaskDefinitions } from "../core/tasks/task-definition.ts";
import { createTaskDefinitions } from "../core/tasks/task-definition.ts";
import { createHookListeners } from "../core/tasks/run/hook-listeners.ts";
import { createEmulatedKeys } from "../adapters/postgres/effects/foreign-keys.ts";
import { createPostgresSideEffects } from "../adapters/postgres/effects/postgres-side-effects.ts";
import { createPostgresRecordReader } from "../adapters/postgres/records/postgres-record-reader.ts";
import { createPostgresChunkWriter } from "../adapters/postgres/writes/postgres-chunk-writer.ts";
import { createPostgresRecordWriter } from "../adapters/postgres/writes/postgres-record-writer.ts";
import { createPostgresNamedRecords } from "../adapters/postgres/records/postgres-named-records.ts";
import { createPostgresRecordDefaults } from "../adapters/postgres/records/postgres-record-defaults.ts";
import type { TableShapes } from "../adapters/postgres/records/table-shape.ts";
import { createTableShapes } from "../adapters/postgres/records/table-shape.ts";
import { createPreviewReader } from "../adapters/postgres/tasks/task-previews.ts";
import { toDecimal } from "../adapters/prisma/column-from-json.ts";
import { defaultGeneratorOf } from "../adapters/prisma/default-generators.ts";
import type { Deployment } from "./open-deployment.ts";
import { openDeployment } from "./open-deployment.ts";
import { createFileImports } from "./create-file-imports.ts";
import { definitionOnBehalf, onBehalf, openAppTables } from "./on-behalf.ts";
import type { Engine, EngineOptions } from "./engine.ts";

/** Wires the engine over a deployment, and reads the tables' columns. */
export async function createEngine(
  options: EngineOptions,
  deployment: Deployment = openDeployment(options),
): Promise<Engine> {
  try {
    return await assemble(options, deployment);
  } catch (error) {
    await deployment.close();
    throw error;
  }
}

async function assemble(options: EngineOptions, deployment: Deployment): Promise<Engine> {
  const { config, sessions } = options;
  const { session, announcer } = deployment;
  const shapes = createTableShapes(session);
  const models = await readModels(options, deployment, shapes);
  const app = openAppTables(deployment, sessions);
  const reader = createPostgresRecordReader({ session: app.session, reads: options.reads, models, shapes });
  const access = accessOf(options.modelOptions, options.defaultAccess);
  const rules = bulkRulesOf(options.modelOptions);
  const lockScopes = lockScopesOf(options.modelOptions);
  const emulatedKeys = createEmulatedKeys(session, models.emulatedKeys);
  const claimOf = createClaimOf(models, lockScopes);
  const sideEffects = createSideEffects(options, { session, shapes, models, emulatedKeys });
  const defaults = createDefaults(app.session, shapes);
  const writing = { ...deployment.ports, ...app, shapes, emulatedKeys, defaults, models };
  const { writer, recordWriter } = createWriters(options, announcer, writing);
  const hooks = createHooks(options, deployment, { claimOf, launch: (launch) => ports.launch(launch) });
  const bulk = { ...config, models, access, rules, writer, hooks, sideEffects, lockScopes };
  const definitions = createDefinitions(options, bulk, claimOf);
  const ports: Engine["ports"] = createPorts(options, deployment, {
    definitions,
    models,
    claimOf,
    launch: (launch) => launches.launchOwn(launch),
  });
  const launching = {
    ...ports,
    models,
    reader,
    access,
    lockScopes,
    rules,
    writer,
    defaults,
    named: createPostgresNamedRecords({ session: app.session, models, shapes }),
    maxRecords: config.bulkMaxRecords,
    maxChunkRecords: config.chunkRecords,
  };
  const launches = createLaunches(launching, options);
  return {
    ...createEngineService(ports.runningAttempts, deployment),
    ports,
    models,
    reader,
    shapes,
    appSession: app.session,
    sessions,
    access,
    lockScopes,
    writeOne: createWrites(options, { ...launching, hooks, sideEffects, writer: recordWriter }),
    ...launches,
    imports: createFileImports(launching, deployment.imports, options),
    controls: createControls(ports, options.watch),
    showPreviews: showPreviewsOf({ session, models, access, reader, shapes, sessions }),
    watch: options.watch,
    deployment,
  };
}

function showPreviewsOf(
  ports: Pick<Engine, "models" | "access" | "reader" | "shapes" | "sessions"> & {
    readonly session: SqlSession;
  },
): ShowPreviews {
  return createShowPreviews({ ...ports, previews: createPreviewReader({ ...ports, toDecimal }) });
}

function createHooks(
  { modelOptions, hookTransactions, logger, clock, config }: EngineOptions,
  { ports: { locks } }: Deployment,
  tools: Pick<LaunchPorts, "claimOf" | "launch">,
): RecordHooks {
  return createRecordHooks({
    options: modelOptions,
    transactions: hookTransactions,
    locks,
    limit: { clock, limitMs: config.hookTimeoutMs },
    logger,
    ...tools,
  });
}

/** The side effects of the database, and those that the app tells of. */
function createSideEffects(
  { modelOptions, client }: EngineOptions,
  tables: Parameters<typeof createPostgresSideEffects>[0] & { readonly models: ModelRegistry },
): ReturnType<typeof withAppEffects> {
  return withAppEffects(createPostgresSideEffects(tables), {
    options: modelOptions,
    get prisma() {
      return client();
    },
    // As with the database's own side effects, they are held against everybody.
    claimOf: (model, ids) => createClaimOf(tables.models, { of: () => undefined })(model, ids, ANONYMOUS),
  });
}

/** The bulk operations, and the app's own tasks. */
function createDefinitions(
  { tasks, client, logger, clock, translateError, watch, config, sessions }: EngineOptions,
  bulk: Parameters<typeof createBulkDefinition>[0],
  claimOf: LaunchPorts["claimOf"],
): TaskDefinitions {
  const tools: RunTools = {
    get prisma() {
      return client();
    },
    logger,
    claimOf,
    clock,
    translateError,
  };
  const limited = [
    ...BULK_OPERATIONS.map((operation) => createBulkDefinition(bulk, operation)),
    ...tasks.map((task) => customDefinition(task, tools)),
  ].map((definition) => limitDuration(definition, { clock, limitMs: config.maxTaskDurationMs }));
  const definitions = sessions === undefined ? limited : limited.map(definitionOnBehalf(sessions));
  return createTaskDefinitions(watch === undefined ? definitions : definitions.map(watch.definition));
}

/** The writers of chunks and of single records, which tell what they have written. */
function createWriters(
  { watch, rows, sessions, createChunkRecords }: EngineOptions,
  announcer: RecordAnnouncer,
  ports: Omit<Parameters<typeof createPostgresChunkWriter>[0], "records" | "settingsOf">,
): { readonly writer: ChunkWriter; readonly recordWriter: RecordWriter } {
  const settingsOf = sessions?.current;
  const records = createChunkRecords((session) => createPostgresRecordReader({ ...ports, session }));
  const chunks = announceChunks(
    createPostgresChunkWriter({ ...ports, records, settingsOf }),
    announcer,
    settingsOf,
  );
  const single = createPostgresRecordWriter({ ...ports, records, rows, toDecimal });
  return {
    writer: watch?.writer(chunks) ?? chunks,
    recordWriter: announceWrites(single, announcer, settingsOf),
  };
}

function createWrites({ watch, sessions }: EngineOptions, ports: WriteOnePorts): WriteOne {
  const writeOne = onBehalf(sessions, createWriteOne(ports));
  return watch?.writeOne(writeOne) ?? writeOne;
}

type Launches = Pick<Engine, "launchBulk" | "launchCustom" | "launchOwn" | "retryTask">;

/** The ways to launch. Each finishes by its key what an earlier launch left. */
function createLaunches(
  ports: BulkPorts,
  { watch, sessions }: Pick<EngineOptions, "watch" | "sessions">,
): Launches {
  const finishing = { tasks: ports.tasks, retryTask: createRetryTask(ports) };
  const launchNew = createLaunchBulk(ports);
  const launches: Launches = {
    retryTask: onBehalf(sessions, async (request) =>
      finishByKey(finishing, request, await finishing.retryTask(request)),
    ),
    launchBulk: onBehalf(sessions, async (request) =>
      finishByKey(finishing, request, await launchNew(request)),
    ),
    launchCustom: onBehalf(sessions, async (launch) =>
      finishByKey(finishing, launch, await launchCustom(ports, launch)),
    ),
    launchOwn: onBehalf(sessions, async (launch) =>
      finishByKey(finishing, launch, await launchOwn(ports, launch)),
    ),
  };
  return watch === undefined
    ? launches
    : {
        retryTask: watch.retryTask(launches.retryTask),
        launchBulk: watch.launchBulk(launches.launchBulk),
        launchCustom: watch.launchCustom(launches.launchCustom),
        launchOwn: watch.launchCustom(launches.launchOwn),
      };
}

function createControls(ports: Engine["ports"], watch: EngineWatch | undefined): TaskControls {
  const controls: TaskControls = {
    cancelTask: (request) => cancelTask(ports, request),
    pauseTask: (request) => pauseTask(ports, request),
    resumeTask: (request) => resumeTask(ports, request),
  };
  return watch?.controls(controls) ?? controls;
}

function createDefaults(session: SqlSession, shapes: TableShapes): RecordDefaults {
  return createPostgresRecordDefaults({ session, shapes, generatorOf: defaultGeneratorOf });
}

async function readModels(
  options: EngineOptions,
  deployment: Deployment,
  shapes: TableShapes,
): Promise<ModelRegistry> {
  await deployment.followTime();
  return options.readModels(shapes);
}

function createEngineService(runningAttempts: RunningAttempts, deployment: Deployment): Service {
  return createService({
    name: "engine",
    async start() {
      await deployment.ready();
      await deployment.own();
      await deployment.announcer.start();
      await runningAttempts.start();
    },
    async stop() {
      await runningAttempts.stop();
      await deployment.close();
    },
  });
}

function createPorts(
  options: EngineOptions,
  { ports, processes, backend, apiKeys }: Deployment,
  parts: Pick<LaunchPorts, "definitions" | "claimOf" | "launch"> & { readonly models: ModelRegistry },
): Engine["ports"] {
  const { config, clock, logger, hooks, tasks, notifyPolicy, onSettled, onPromoted, tracing, watch } =
    options;
  const renewViewer = createRenewViewer({ keys: apiKeys, clock: ports.clock, load: options.loadViewer });
  return {
    ...ports,
    ...parts,
    nameOf: modelNamer(parts.models),
    hooks: createHookListeners(hooks, tasks, { clock, limitMs: config.hookTimeoutMs }),
    ...(notifyPolicy === undefined ? {} : { notifyPolicy }),
    ...(onSettled === undefined ? {} : { onSettled }),
    ...(onPromoted === undefined ? {} : { onPromoted }),
    ...(tracing === undefined ? {} : { tracing }),
    renewViewer: watch?.renewViewer(renewViewer) ?? renewViewer,
    runningAttempts: createRunningAttempts({ bus: ports.bus, logger }),
    workerId: `${hostname()}:${process.pid}:${createId(clock.now()).slice(-6)}`,
    leaseMs: config.leaseMs,
    maxAttempts: config.maxAttempts,
    unknownKindWaitMs: config.unknownKindWaitMs,
    async isKindServed(kind) {
      const listed = await processes.list(new Date(ports.clock.now().getTime() - config.leaseMs));
      return listed.some(
        (one) => one.backend === backend.name && one.concurrency > 0 && one.kinds.includes(kind),
      );
    },
    progressIntervalMs: config.progressIntervalMs,
    settings: {
      isAsyncEnabled: config.isAsyncEnabled,
      minAsyncRecords: config.bulkMinAsyncRecords,
      lockEscalationRecords: config.lockEscalationRecords,
      whenQueueDown: config.whenQueueDown,
    },
  };
}
