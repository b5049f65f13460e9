import { hostname } from "node:os";
import type { Clock } from "../kernel/clock.ts";
import { createId } from "../kernel/ids.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import type { UnitOfWork } from "../core/transactions/transaction.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { Access } from "../core/records/access.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import { accessOf, lockScopesOf } from "../core/records/model-options.ts";
import type { RecordReader } from "../core/records/record-reader.ts";
import { createBulkDefinition } from "../core/bulk/bulk-definition.ts";
import type { LaunchBulk } from "../core/bulk/bulk-request.ts";
import { bulkRulesOf } from "../core/bulk/bulk-rules.ts";
import { createLaunchBulk } from "../core/bulk/launch-bulk.ts";
import type { ProcessRegister } from "../core/processes/process-register.ts";
import type { LockScopes } from "../core/locks/lock-scopes.ts";
import type { RunningAttempts } from "../core/tasks/running-attempts.ts";
import { createRunningAttempts } from "../core/tasks/running-attempts.ts";
import type { LaunchPorts } from "../core/tasks/launch-task.ts";
import { createTaskDefinitions } from "../core/tasks/task-definitions.ts";
import type { TaskDefinition, TaskDefinitions } from "../core/tasks/task-definition.ts";
import { createPool } from "../adapters/postgres/create-pool.ts";
import { createPgSession } from "../adapters/postgres/pg-session.ts";
import { createPgUnitOfWork } from "../adapters/postgres/pg-unit-of-work.ts";
import { createPostgresBulkWriter } from "../adapters/postgres/postgres-bulk-writer.ts";
import { createPostgresEventLog } from "../adapters/postgres/postgres-event-log.ts";
import { createPostgresProcessRegister } from "../adapters/postgres/postgres-process-register.ts";
import { createPostgresTaskStore } from "../adapters/postgres/postgres-task-store.ts";
import type { TableShapes } from "../adapters/postgres/table-shape.ts";
import { createTableShapes } from "../adapters/postgres/table-shape.ts";
import type { Config } from "../config/config.ts";
import type { ChosenBackend } from "./choose-backend.ts";
import type { Backend } from "./create-backend.ts";
import { createBackend } from "./create-backend.ts";

/** Between two statements of a transaction there is hardly any time, but a busy machine may need some, in ms. */
const MIN_IDLE_TIMEOUT_MS = 5000;

/** What an engine is made of. */
export interface EngineOptions {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly backend: ChosenBackend;
  readonly modelOptions: ModelOptionsMap;
  /** The models, once the database's tables can be looked at. */
  readonly readModels: (shapes: TableShapes) => Promise<ModelRegistry>;
  readonly createReader: (models: ModelRegistry) => RecordReader;
  /** The app's own definitions, beside the bulk operations. */
  readonly tasks: readonly TaskDefinition[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The engine: everything that launches and runs tasks. Its stop lets go of all connections. */
export interface Engine extends Service {
  readonly ports: LaunchPorts & { readonly runningAttempts: RunningAttempts };
  readonly models: ModelRegistry;
  readonly reader: RecordReader;
  readonly access: Access;
  readonly lockScopes: LockScopes;
  readonly launchBulk: LaunchBulk;
  readonly processes: ProcessRegister;
  readonly backend: ChosenBackend;
}

/** Wires the engine, and reads the tables' shapes. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { config, logger } = options;
  const pool = createPool({
    connectionString: options.databaseUrl,
    applicationName: "powercrud engine",
    // Each task writes two chunks at a time; the rest is for launches and reads.
    maxConnections: 10 + 2 * config.workerConcurrency,
    // A worker that was stopped in the middle of a chunk keeps its successor waiting for as long.
    idleInTransactionTimeoutMs: Math.max(MIN_IDLE_TIMEOUT_MS, config.leaseMs),
    logger,
  });
  const session = createPgSession(pool);
  const shapes = createTableShapes(session);
  const models = await options.readModels(shapes).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  const reader = options.createReader(models);
  const unitOfWork = createPgUnitOfWork({ pool, logger });
  const access = accessOf(options.modelOptions);
  const rules = bulkRulesOf(options.modelOptions);
  const lockScopes = lockScopesOf(options.modelOptions);
  const writer = createPostgresBulkWriter({ session, unitOfWork, reader, shapes });
  const definitions = createTaskDefinitions([
    createBulkDefinition({ models, access, rules, writer }, "UPDATE"),
    createBulkDefinition({ models, access, rules, writer }, "DELETE"),
    ...options.tasks,
  ]);
  const chosen = options.backend;
  const backend = createBackend({ ...options, chosen, session, unitOfWork });
  const ports = createPorts(options, backend, { session, unitOfWork, definitions });
  const launchBulk = createLaunchBulk({
    ...ports,
    models,
    reader,
    access,
    lockScopes,
    rules,
    maxRecords: config.bulkMaxRecords,
    maxChunkRecords: config.chunkRecords,
  });
  const processes = createPostgresProcessRegister({ session, unitOfWork });
  return {
    ...createEngineService(ports.runningAttempts, backend, pool),
    ports,
    models,
    reader,
    access,
    lockScopes,
    launchBulk,
    processes,
    backend: chosen,
  };
}

function createEngineService(
  runningAttempts: RunningAttempts,
  backend: Backend,
  pool: { end(): Promise<void> },
): Service {
  return createService({
    name: "engine",
    async start() {
      await backend.ready();
      await runningAttempts.start();
    },
    async stop() {
      await runningAttempts.stop();
      await backend.close();
      await pool.end();
    },
  });
}

function createPorts(
  { config, clock, logger }: EngineOptions,
  { bus, queue, locks }: Backend,
  parts: { session: SqlSession; unitOfWork: UnitOfWork; definitions: TaskDefinitions },
): Engine["ports"] {
  const { session, unitOfWork, definitions } = parts;
  return {
    unitOfWork,
    definitions,
    tasks: createPostgresTaskStore({ session }),
    log: createPostgresEventLog({ session }),
    locks,
    bus,
    runningAttempts: createRunningAttempts({ bus, logger }),
    queue,
    clock,
    logger,
    workerId: `${hostname()}:${process.pid}:${createId(clock.now()).slice(-6)}`,
    leaseMs: config.leaseMs,
    progressIntervalMs: config.progressIntervalMs,
    settings: {
      isAsyncEnabled: config.isAsyncEnabled,
      minAsyncRecords: config.bulkMinAsyncRecords,
      lockEscalationRecords: config.lockEscalationRecords,
      whenQueueDown: config.whenQueueDown,
    },
  };
}
