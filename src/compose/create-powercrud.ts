import type { GraphQLSchema } from "graphql";
import type { Logger } from "../kernel/logger.ts";
import { createSilentLogger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { composeServices, createService } from "../kernel/service.ts";
import { createSystemClock } from "../kernel/clock.ts";
import type { LaunchBulk } from "../core/bulk/bulk-request.ts";
import type { RetryTask } from "../core/bulk/retry-task.ts";
import type { TaskFeed } from "../core/events/task-feed.ts";
import { createTaskFeed } from "../core/events/task-feed.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import { cancelTask } from "../core/tasks/run/cancel-task.ts";
import type { CustomLaunch } from "../core/tasks/launch/launch-custom.ts";
import { launchCustom } from "../core/tasks/launch/launch-custom.ts";
import type { LaunchOutcome } from "../core/tasks/launch/launch-outcome.ts";
import type { ProcessRole } from "../core/processes/process-register.ts";
import type { TaskStore } from "../core/tasks/task-store.ts";
import { pothosDatamodel } from "../adapters/prisma/pothos-datamodel.ts";
import { createPrismaChunkRecords } from "../adapters/prisma/prisma-chunk-records.ts";
import { createPrismaHookTransactions } from "../adapters/prisma/prisma-hook-transactions.ts";
import { translatePrismaError } from "../adapters/prisma/prisma-unavailable.ts";
import { readModelRegistry } from "../adapters/prisma/read-model-registry.ts";
import { filterToPrisma } from "../adapters/prisma/filter-to-prisma.ts";
import { addHealth } from "../graphql/health.ts";
import { createTaskSchema } from "../graphql/tasks/task-schema.ts";
import { createSchema } from "../graphql/create-schema.ts";
import type { Config } from "../config/config.ts";
import { completeConfig } from "../config/config.ts";
import { chooseBackend } from "./choose-backend.ts";
import type { ConnectedModels } from "./connect-models.ts";
import { connectModels } from "./connect-models.ts";
import type { Engine } from "./create-engine.ts";
import { createEngine } from "./create-engine.ts";
import type { HealthReader } from "./create-health.ts";
import { createHealth } from "./create-health.ts";
import { createWorkers } from "./create-workers.ts";
import { markNativeTypes } from "./mark-native-types.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { schemaOf } from "./define-config.ts";

/** The options of {@link createPowerCrud}. */
export interface PowerCrudOptions {
  /** The default export of `powercrud.config.ts`, or the same made elsewhere. */
  readonly config: PowerCrudConfig;
  /** A migrated PostgreSQL (see migrateDatabase). */
  readonly databaseUrl: string;
  /** The folder that holds `prisma/`, absolute. Default: `health` checks the engine's own migrations only. */
  readonly projectDir?: string;
  /** What this process does: `start` launches and runs tasks (the default), `serve` only launches, `work` only runs. */
  readonly role?: ProcessRole;
  /** Settings that differ from the defaults; see `docs/configuration.md`. Durations are in ms. */
  readonly settings?: Partial<Config>;
  /** Default: logs nothing. */
  readonly logger?: Logger;
}

/** Schema, engine, worker and sweeper in this process. `start` begins to take tasks; `stop` waits for the chunks under way. */
export interface PowerCrud extends Service {
  /** An executable schema for any GraphQL server; the context of each operation is a new `{viewer}`. */
  readonly schema: GraphQLSchema;
  /** The id of this process in the deployment. */
  readonly processId: string;
  /** Launches a bulk operation, as the bulk mutations do. */
  readonly launchBulk: LaunchBulk;
  /** Launches a settled task again for the records that it did not change. */
  readonly retryTask: RetryTask;
  /** Launches one of the app's own tasks. */
  launch(launch: CustomLaunch): Promise<LaunchOutcome>;
  /** Looks tasks up, with their errors and records. */
  readonly tasks: Pick<TaskStore, "find" | "list" | "count" | "errors" | "countErrors" | "records">;
  /** The events of all tasks, live and replayed. Its iterators throw AppError UNAVAILABLE when this stops. */
  readonly feed: TaskFeed;
  /** What the query `health` answers. */
  readonly health: HealthReader;
}

/**
 * Wires everything but the server. Reads the database's catalog, so the database must be migrated.
 * @throws AppError MIGRATION_FAILED when a column is missing, INVALID_CONFIG when the app cannot be served as it is,
 *   UNAVAILABLE when the database cannot be reached
 */
export async function createPowerCrud(options: PowerCrudOptions): Promise<PowerCrud> {
  const { config: project, databaseUrl, role = "start", logger = createSilentLogger() } = options;
  const config = completeConfig(options.settings);
  const modelOptions = project.models ?? {};
  const schema = schemaOf(project);
  const backend = await chooseBackend(config, logger);
  logger.info({ backend: backend.name, reason: backend.reason }, "the backend is chosen");
  const connected = connectModels({ generated: project.generated, databaseUrl, config, logger });
  const { client, transactions } = connected;
  const read = readModelRegistry(schema, modelOptions);
  const engine = await createEngine({
    config,
    databaseUrl,
    backend,
    modelOptions,
    logger,
    clock: createSystemClock(),
    tasks: project.tasks ?? [],
    hooks: project.hooks,
    readModels: (shapes) => markNativeTypes(read, shapes),
    createChunkRecords: (readerOf) => createPrismaChunkRecords({ transactions, readerOf }),
    hookTransactions: createPrismaHookTransactions(transactions),
  });
  const feed = createTaskFeed(engine.ports);
  const health = createHealth({ deployment: engine.deployment, config, projectDir: options.projectDir });
  const services = [
    createService({
      name: "prisma client",
      start: () => client.$connect(),
      stop: () => client.$disconnect(),
    }),
    engine,
    feed,
    ...createWorkers(engine, config, role),
  ];
  return {
    ...composeServices("powercrud", services),
    schema: createAppSchema({
      ...connected,
      config,
      engine,
      feed,
      health,
      datamodel: pothosDatamodel(schema),
      modelOptions,
      logger,
    }),
    processId: engine.ports.workerId,
    launchBulk: engine.launchBulk,
    retryTask: engine.retryTask,
    launch: (launch) => launchCustom(engine.ports, launch),
    tasks: engine.ports.tasks,
    feed,
    health,
  };
}

interface SchemaParts extends ConnectedModels {
  readonly config: Config;
  readonly engine: Engine;
  readonly feed: TaskFeed;
  readonly health: HealthReader;
  readonly datamodel: ReturnType<typeof pothosDatamodel>;
  readonly modelOptions: ModelOptionsMap;
  readonly logger: Logger;
}

function createAppSchema(parts: SchemaParts): GraphQLSchema {
  const { config, engine, feed, health, client, datamodel, modelOptions } = parts;
  return createSchema({
    client,
    datamodel,
    models: engine.models,
    modelOptions,
    reader: engine.reader,
    pages: engine.pages,
    toClientWhere: (model, where) => filterToPrisma(engine.models, model, where),
    translateError: translatePrismaError,
    writeOne: engine.writeOne,
    launchBulk: engine.launchBulk,
    maxRecords: config.bulkMaxRecords,
    locks: engine.ports.locks,
    tasks: engine.ports.tasks,
    contributors: [
      createTaskSchema({
        tasks: engine.ports.tasks,
        log: engine.ports.log,
        feed,
        cancelTask: (request) => cancelTask(engine.ports, request),
        retryTask: engine.retryTask,
      }),
      addHealth(() => health.read()),
    ],
  });
}
