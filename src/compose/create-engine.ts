import { hostname } from "node:os";
import { createId } from "../kernel/ids.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { Access } from "../core/records/access.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import { accessOf, lockScopesOf } from "../core/records/model-options.ts";
import type { RecordReader } from "../core/records/record-reader.ts";
import type { SideEffects } from "../core/records/side-effects.ts";
import { createBulkDefinition } from "../core/bulk/bulk-definition.ts";
import type { LaunchBulk } from "../core/bulk/bulk-request.ts";
import { bulkRulesOf } from "../core/bulk/bulk-rules.ts";
import { createLaunchBulk } from "../core/bulk/launch-bulk.ts";
import type { LockScopes } from "../core/locks/lock-scopes.ts";
import type { RunningAttempts } from "../core/tasks/running-attempts.ts";
import { createRunningAttempts } from "../core/tasks/running-attempts.ts";
import type { LaunchPorts } from "../core/tasks/launch-task.ts";
import { createTaskDefinitions } from "../core/tasks/task-definitions.ts";
import type { TaskHooks } from "../core/tasks/task-hooks.ts";
import type { TaskDefinition, TaskDefinitions } from "../core/tasks/task-definition.ts";
import { createPostgresSideEffects } from "../adapters/postgres/effects/postgres-side-effects.ts";
import { createPostgresBulkWriter } from "../adapters/postgres/postgres-bulk-writer.ts";
import type { TableShapes } from "../adapters/postgres/table-shape.ts";
import { createTableShapes } from "../adapters/postgres/table-shape.ts";
import type { Deployment, DeploymentOptions } from "./open-deployment.ts";
import { openDeployment } from "./open-deployment.ts";

/** What an engine is made of. */
export interface EngineOptions extends DeploymentOptions {
  readonly modelOptions: ModelOptionsMap;
  /** The models, once the database's tables can be looked at. */
  readonly readModels: (shapes: TableShapes) => Promise<ModelRegistry>;
  readonly createReader: (models: ModelRegistry) => RecordReader;
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
  /** What the database does by itself. */
  readonly sideEffects: SideEffects;
  readonly launchBulk: LaunchBulk;
  readonly deployment: Deployment;
}

/** Wires the engine, and reads the tables' shapes. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { config } = options;
  const deployment = openDeployment(options);
  const { session } = deployment;
  const { unitOfWork, locks } = deployment.ports;
  const shapes = createTableShapes(session);
  const reading = deployment.followTime().then(() => options.readModels(shapes));
  const models = await reading.catch(async (error: unknown) => {
    await deployment.close();
    throw error;
  });
  const reader = options.createReader(models);
  const access = accessOf(options.modelOptions);
  const rules = bulkRulesOf(options.modelOptions);
  const lockScopes = lockScopesOf(options.modelOptions);
  const sideEffects = createPostgresSideEffects({ session, shapes, models });
  const writer = createPostgresBulkWriter({ session, unitOfWork, reader, shapes, locks });
  const { lockEscalationRecords } = config;
  const bulk = { models, access, rules, writer, sideEffects, lockEscalationRecords };
  const definitions = createTaskDefinitions([
    createBulkDefinition(bulk, "UPDATE"),
    createBulkDefinition(bulk, "DELETE"),
    ...options.tasks,
  ]);
  const ports = createPorts(options, deployment, definitions);
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
  return {
    ...createEngineService(ports.runningAttempts, deployment),
    ports,
    models,
    reader,
    access,
    lockScopes,
    sideEffects,
    launchBulk,
    deployment,
  };
}

function createEngineService(runningAttempts: RunningAttempts, deployment: Deployment): Service {
  return createService({
    name: "engine",
    async start() {
      await deployment.ready();
      await deployment.own();
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
    progressIntervalMs: config.progressIntervalMs,
    settings: {
      isAsyncEnabled: config.isAsyncEnabled,
      minAsyncRecords: config.bulkMinAsyncRecords,
      lockEscalationRecords: config.lockEscalationRecords,
      whenQueueDown: config.whenQueueDown,
    },
  };
}
