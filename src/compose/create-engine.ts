import { hostname } from "node:os";
import { createId } from "../kernel/ids.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { Access } from "../core/records/access.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import { accessOf, lockScopesOf } from "../core/records/model-options.ts";
import type { HookTransactions } from "../core/records/hook-transactions.ts";
import { createRecordHooks } from "../core/records/record-hooks.ts";
import type { RecordReader } from "../core/records/record-reader.ts";
import { BULK_OPERATIONS } from "../core/bulk/bulk-kinds.ts";
import { createBulkDefinition } from "../core/bulk/bulk-definition.ts";
import type { LaunchBulk } from "../core/bulk/bulk-request.ts";
import type { ChunkRecords } from "../core/bulk/chunk-records.ts";
import { bulkRulesOf } from "../core/bulk/bulk-rules.ts";
import { createLaunchBulk } from "../core/bulk/launch-bulk.ts";
import type { RetryTask } from "../core/bulk/retry-task.ts";
import type { WriteOne } from "../core/bulk/write-one.ts";
import { createWriteOne } from "../core/bulk/write-one.ts";
import { createRetryTask } from "../core/bulk/retry-task.ts";
import type { LockScopes } from "../core/locks/lock-scopes.ts";
import type { RunningAttempts } from "../core/tasks/running-attempts.ts";
import { createRunningAttempts } from "../core/tasks/running-attempts.ts";
import type { LaunchPorts } from "../core/tasks/launch-task.ts";
import { createTaskDefinitions } from "../core/tasks/task-definitions.ts";
import type { TaskHooks } from "../core/tasks/task-hooks.ts";
import type { TaskDefinition, TaskDefinitions } from "../core/tasks/task-definition.ts";
import { createPostgresSideEffects } from "../adapters/postgres/effects/postgres-side-effects.ts";
import { createPostgresChunkWriter } from "../adapters/postgres/postgres-chunk-writer.ts";
import { createPostgresRecordWriter } from "../adapters/postgres/postgres-record-writer.ts";
import { createPostgresRecordDefaults } from "../adapters/postgres/postgres-record-defaults.ts";
import type { TableShapes } from "../adapters/postgres/table-shape.ts";
import { createTableShapes } from "../adapters/postgres/table-shape.ts";
import { defaultGeneratorOf } from "../adapters/prisma/default-generators.ts";
import type { Deployment, DeploymentOptions } from "./open-deployment.ts";
import { openDeployment } from "./open-deployment.ts";

/** What an engine is made of. */
export interface EngineOptions extends DeploymentOptions {
  readonly modelOptions: ModelOptionsMap;
  /** The models, once the database's tables can be looked at. */
  readonly readModels: (shapes: TableShapes) => Promise<ModelRegistry>;
  readonly createReader: (models: ModelRegistry) => RecordReader;
  /** The transactions of writes in which the app has a say, or whose viewer has a scope. */
  readonly createChunkRecords: (models: ModelRegistry) => ChunkRecords;
  /** Of the same transactions. */
  readonly hookTransactions: HookTransactions;
  /** The app's own definitions, beside the bulk operations. */
  readonly tasks: readonly TaskDefinition[];
  readonly hooks?: TaskHooks | undefined;
}

/** The engine: everything that launches and runs tasks. Its stop lets go of all connections. */
export interface Engine extends Service {
  readonly ports: LaunchPorts & { readonly runningAttempts: RunningAttempts };
  readonly models: ModelRegistry;
  readonly reader: RecordReader;
  readonly access: Access;
  readonly lockScopes: LockScopes;
  readonly writeOne: WriteOne;
  readonly launchBulk: LaunchBulk;
  readonly retryTask: RetryTask;
  readonly deployment: Deployment;
}

/** Wires the engine, and reads the tables' shapes. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { config } = options;
  const deployment = openDeployment(options);
  const { session } = deployment;
  const { unitOfWork, locks } = deployment.ports;
  const shapes = createTableShapes(session);
  const models = await readModels(options, deployment, shapes);
  const reader = options.createReader(models);
  const access = accessOf(options.modelOptions);
  const rules = bulkRulesOf(options.modelOptions);
  const lockScopes = lockScopesOf(options.modelOptions);
  const sideEffects = createPostgresSideEffects({ session, shapes, models });
  const records = options.createChunkRecords(models);
  const writing = { session, unitOfWork, records, shapes, locks };
  const writer = createPostgresChunkWriter(writing);
  const hooks = createRecordHooks({
    options: options.modelOptions,
    transactions: options.hookTransactions,
    logger: options.logger,
  });
  const { lockEscalationRecords } = config;
  const bulk = { models, access, rules, writer, hooks, sideEffects, lockScopes, lockEscalationRecords };
  const definitions = createTaskDefinitions([
    ...BULK_OPERATIONS.map((operation) => createBulkDefinition(bulk, operation)),
    ...options.tasks,
  ]);
  const ports = createPorts(options, deployment, definitions);
  const defaults = createPostgresRecordDefaults({ session, shapes, generatorOf: defaultGeneratorOf });
  const launching = {
    ...ports,
    models,
    reader,
    access,
    lockScopes,
    rules,
    writer,
    defaults,
    maxRecords: config.bulkMaxRecords,
    maxChunkRecords: config.chunkRecords,
  };
  return {
    ...createEngineService(ports.runningAttempts, deployment),
    ports,
    models,
    reader,
    access,
    lockScopes,
    writeOne: createWriteOne({
      ...launching,
      hooks,
      sideEffects,
      writer: createPostgresRecordWriter(writing),
    }),
    launchBulk: createLaunchBulk(launching),
    retryTask: createRetryTask(launching),
    deployment,
  };
}

async function readModels(
  options: EngineOptions,
  deployment: Deployment,
  shapes: TableShapes,
): Promise<ModelRegistry> {
  try {
    await deployment.followTime();
    return await options.readModels(shapes);
  } catch (error) {
    await deployment.close();
    throw error;
  }
}

function createEngineService(runningAttempts: RunningAttempts, deployment: Deployment): Service {
  return createService({
    name: "engine",
    async start() {
      await deployment.ready();
      // Taken only once the process is enlisted: the deployment may refuse it.
      await deployment.refuseForeign();
      await runningAttempts.start();
    },
    async stop() {
      await runningAttempts.stop();
      await deployment.close();
    },
  });
}

function createPorts(
  { config, clock, logger, hooks }: EngineOptions,
  { ports }: Deployment,
  definitions: TaskDefinitions,
): Engine["ports"] {
  return {
    ...ports,
    ...(hooks === undefined ? {} : { hooks }),
    definitions,
    runningAttempts: createRunningAttempts({ bus: ports.bus, logger }),
    workerId: `${hostname()}:${process.pid}:${createId(clock.now()).slice(-6)}`,
    leaseMs: config.leaseMs,
    maxAttempts: config.maxAttempts,
    progressIntervalMs: config.progressIntervalMs,
    settings: {
      isAsyncEnabled: config.isAsyncEnabled,
      minAsyncRecords: config.bulkMinAsyncRecords,
      lockEscalationRecords: config.lockEscalationRecords,
      whenQueueDown: config.whenQueueDown,
    },
  };
}
