import type { Pool } from "pg";
import { createEmulatedKeys } from "../../src/adapters/postgres/effects/foreign-keys.ts";
import { createTextRows } from "../../src/adapters/postgres/connection/text-rows.ts";
import { createPool } from "../../src/adapters/postgres/connection/create-pool.ts";
import { createPostgresChunkWriter } from "../../src/adapters/postgres/writes/postgres-chunk-writer.ts";
import { defaultGeneratorOf } from "../../src/adapters/prisma/default-generators.ts";
import { createPostgresRecordDefaults } from "../../src/adapters/postgres/records/postgres-record-defaults.ts";
import { createTableShapes } from "../../src/adapters/postgres/records/table-shape.ts";
import { isLostRace } from "../../src/adapters/postgres/connection/lost-race.ts";
import { pgProblem } from "../../src/adapters/postgres/writes/pg-problem.ts";
import { createPostgresRecordReader } from "../../src/adapters/postgres/records/postgres-record-reader.ts";
import type { Engine, EngineOptions } from "../../src/compose/engine.ts";
import { createEngine } from "../../src/compose/create-engine.ts";
import type { Deployment } from "../../src/compose/open-deployment.ts";
import { openDeployment } from "../../src/compose/open-deployment.ts";
import type { Config } from "../../src/config/config.ts";
import { completeConfig } from "../../src/config/config.ts";
import { ANONYMOUS } from "../../src/core/access/viewer.ts";
import type { BulkRequest } from "../../src/core/bulk/bulk-request.ts";
import type { ChunkRecords } from "../../src/core/bulk/chunk-records.ts";
import type { ChunkWriter } from "../../src/core/bulk/chunk-writer.ts";
import type { WriteOne } from "../../src/core/bulk/write-one.ts";
import type { RetryTask } from "../../src/core/bulk/retry-task.ts";
import type { TaskFeed } from "../../src/core/events/task-feed.ts";
import { createTaskFeed } from "../../src/core/events/task-feed.ts";
import type { HookTransactions } from "../../src/core/records/hook-transactions.ts";
import type { ModelOptionsMap } from "../../src/core/records/model-options.ts";
import type { ColumnField, ModelRegistry } from "../../src/core/records/model.ts";
import type { RecordReader } from "../../src/core/records/record-reader.ts";
import type { LaunchOutcome } from "../../src/core/tasks/launch/launch-outcome.ts";
import type { LaunchPorts } from "../../src/core/tasks/launch/launch-task.ts";
import type { DefinedTask } from "../../src/core/tasks/define-task.ts";
import type { TaskHooks } from "../../src/core/tasks/task-hooks.ts";
import type { TaskQueue } from "../../src/core/tasks/task-queue.ts";
import type { Task } from "../../src/core/tasks/task.ts";
import type { UnitOfWork } from "../../src/core/transactions/transaction.ts";
import { requiredSession } from "../../src/core/transactions/transaction.ts";
import { isAppError } from "../../src/kernel/app-error.ts";
import { createSystemClock } from "../../src/kernel/clock.ts";
import type { Json } from "../../src/kernel/json.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { composeServices } from "../../src/kernel/service.ts";
import type { SqlSession } from "../../src/kernel/sql-session.ts";
import { createWorker } from "../../src/worker/create-worker.ts";
import { withDeadline } from "./deadline.ts";
import { createTestDatabase } from "./test-database.ts";
import { createTestRedis } from "./test-redis.ts";
import { THING_MODELS, THING_TABLE } from "./thing-fixture.ts";

/** Settings and parts that a test replaces. A `redisUrl` puts queue and bus there on any backend. */
export interface EngineOverrides extends Partial<Config> {
  /** A hook's client is the transaction's session. */
  readonly modelOptions?: ModelOptionsMap;
  /** Default: logs nothing. */
  readonly logger?: Logger;
  /** Default: Thing and Label. */
  readonly models?: ModelRegistry;
  /** SQL that makes the models' tables. */
  readonly tables?: string;
  readonly tasks?: readonly DefinedTask[];
  readonly hooks?: TaskHooks;
  /** Wraps the real queue. */
  readonly queue?: (real: TaskQueue) => TaskQueue;
}

const CONFIG: Partial<Config> = {
  workerConcurrency: 2,
  chunkRecords: 5000,
  bulkMaxRecords: 1_000_000,
  bulkMinAsyncRecords: 20,
  lockEscalationRecords: 200_000,
  whenQueueDown: "error",
  leaseMs: 3000,
  maxAttempts: 100,
  progressIntervalMs: 10,
};

const PARTS = {
  models: THING_MODELS,
  modelOptions: {},
  tables: THING_TABLE,
  tasks: [],
  logger: createSilentLogger(),
  queue: (real) => real,
} satisfies EngineOverrides;

/** Some suites run once on each backend. */
const IS_REDIS_RUN = process.env["POWERCRUD_TEST_BACKEND"] === "redis";

/** An engine with a running worker, on a database of its own. There is no sweeper: tests call `sweep`. */
export interface EngineFixture {
  readonly databaseUrl: string;
  /** The test's own connections, named "test"; the engine's have other names. */
  readonly pool: Pool;
  /** The engine's. */
  readonly session: SqlSession;
  readonly ports: LaunchPorts;
  readonly feed: TaskFeed;
  /** Launches on all things as an anonymous viewer, unless the request says otherwise. */
  launch(request: Partial<BulkRequest> & Pick<BulkRequest, "operation">): Promise<LaunchOutcome>;
  /** Launches as `launch` does. @throws when the launch is refused */
  launched(request: Partial<BulkRequest> & Pick<BulkRequest, "operation">): Promise<Task>;
  readonly retry: RetryTask;
  readonly launchCustom: Engine["launchCustom"];
  readonly writeOne: WriteOne;
  /** Waits until the task is settled. */
  settled(taskId: string): Promise<Task>;
  task(taskId: string): Promise<Task>;
  /** Deletes everything that this engine has in Redis. */
  loseRedis(): Promise<void>;
  stop(): Promise<void>;
}

/** Wires the engine as the service does, but with SQL in the place of Prisma: its tables are in no Prisma schema. */
export async function createEngineFixture(overrides: EngineOverrides = {}): Promise<EngineFixture> {
  const { models, modelOptions, tables, tasks, hooks, logger, queue, ...settings } = {
    ...PARTS,
    ...overrides,
  };
  const database = await createTestDatabase();
  const pool = createPool({ connectionString: database.url, applicationName: "test", logger });
  await pool.query(tables);
  const isRedis = IS_REDIS_RUN || settings.redisUrl !== undefined;
  const redis = isRedis ? createTestRedis(settings.redisUrl) : undefined;
  const config = completeConfig({
    ...CONFIG,
    ...settings,
    ...(redis === undefined ? {} : { redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix }),
  });
  const options: EngineOptions = {
    config,
    databaseUrl: database.url,
    backend: { name: isRedis ? "redis" : "postgres", reason: "test" },
    clock: createSystemClock(),
    logger,
    modelOptions,
    readModels: () => Promise.resolve(models),
    rows: createTextRows(pool),
    createChunkRecords: (readerOf) => createSqlRecords(deployment.ports.unitOfWork, readerOf),
    hookTransactions: SQL_HOOK_TRANSACTIONS,
    tasks,
    client: () => undefined,
    hooks,
  };
  const deployment = openWithQueue(options, queue);
  const engine = await createEngine(options, deployment);
  const { ports, launchBulk } = engine;
  const feed = createTaskFeed(ports);
  const worker = createWorker({ ...ports, concurrency: config.workerConcurrency });
  const services = composeServices("engine fixture", [engine, feed, worker]);
  await services.start();
  const fixture: EngineFixture = {
    databaseUrl: database.url,
    pool,
    session: deployment.session,
    ports,
    feed,
    retry: engine.retryTask,
    launchCustom: engine.launchCustom,
    writeOne: engine.writeOne,
    launch: (request) =>
      launchBulk({
        model: "Thing",
        ...("records" in request ? {} : { selection: { where: {} } }),
        viewer: ANONYMOUS,
        ...request,
        options: { maxAffected: 1_000_000, ...request.options },
      } as BulkRequest),
    async launched(request) {
      const outcome = await fixture.launch(request);
      if (outcome.kind !== "LAUNCHED") {
        throw new Error(`the launch was refused: ${outcome.kind} ${outcome.message}`);
      }
      return outcome.task;
    },
    settled: (taskId) => withDeadline(lastState(feed, taskId), 20_000, `settling of task ${taskId}`),
    async task(taskId) {
      const task = (await ports.tasks.find([taskId])).get(taskId);
      if (task === undefined) {
        throw new Error(`there is no task ${taskId}`);
      }
      return task;
    },
    loseRedis: async () => redis?.drop(),
    async stop() {
      await services.stop();
      await redis?.drop();
      await pool.end();
      await database.drop();
    },
  };
  return fixture;
}

function openWithQueue(options: EngineOptions, wrap: (real: TaskQueue) => TaskQueue): Deployment {
  const deployment = openDeployment(options);
  return { ...deployment, ports: { ...deployment.ports, queue: wrap(deployment.ports.queue) } };
}

function createSqlRecords(
  unitOfWork: UnitOfWork,
  readerOf: (session: SqlSession) => RecordReader,
): ChunkRecords {
  return {
    unitOfWork,
    existingIds: (transaction, model, ids, where) =>
      readerOf(requiredSession(transaction)).existingIds(model, ids, where),
    typedSession: requiredSession,
    typed,
  };
}

function typed(field: ColumnField, value: Json): unknown {
  return field.type === "DateTime" && typeof value === "string" ? new Date(value) : value;
}

/** The chunk writer of the engine's workers, for tests that call it themselves. */
export function createWriterOf(
  { session, ports: { unitOfWork, locks } }: EngineFixture,
  models: ModelRegistry = THING_MODELS,
): ChunkWriter {
  const shapes = createTableShapes(session);
  const records = createSqlRecords(unitOfWork, (over) =>
    createPostgresRecordReader({ session: over, models, shapes }),
  );
  return createPostgresChunkWriter({
    session,
    unitOfWork,
    records,
    shapes,
    locks,
    defaults: createPostgresRecordDefaults({ session, shapes, generatorOf: defaultGeneratorOf }),
    emulatedKeys: createEmulatedKeys(session, []),
    models,
  });
}

const SQL_HOOK_TRANSACTIONS: HookTransactions = {
  clientOf: requiredSession,
  async undoable(transaction, work) {
    const session = requiredSession(transaction);
    await session.query("SAVEPOINT hook");
    try {
      return await work();
    } catch (error) {
      await session.query("ROLLBACK TO SAVEPOINT hook");
      throw error;
    }
  },
  faultOf(error, model) {
    if (isAppError(error) || typeof (error as { code?: unknown }).code !== "string") {
      return undefined;
    }
    if (isLostRace(error)) {
      return { kind: "LOST", error };
    }
    const problem = pgProblem(error, model);
    return problem === undefined ? { kind: "WRONG" } : { kind: "REFUSED", problem };
  },
  typed,
};

/** The task's state when its feed ends. */
export async function lastState(feed: TaskFeed, taskId: string): Promise<Task> {
  let task: Task | undefined;
  for await (task of feed.watch(taskId)) {
    // Only the last state counts.
  }
  if (task === undefined) {
    throw new Error("the task was never seen");
  }
  return task;
}

/** Locks rows of the Thing table in a transaction of the test's, so that tasks wait for them. */
export interface HeldThings {
  /** @returns releases the row; idempotent */
  hold(id: number): Promise<() => Promise<void>>;
  /** For `afterEach`: a test that failed may have left rows locked. */
  releaseAll(): Promise<void>;
}

/** @param engine called at each hold, since `beforeAll` makes the engine */
export function createHeldThings(engine: () => EngineFixture): HeldThings {
  const held: (() => Promise<void>)[] = [];
  return {
    async hold(id) {
      const release = await holdRecord(engine(), id);
      held.push(release);
      return release;
    },
    async releaseAll() {
      await Promise.all(held.splice(0).map((release) => release()));
    },
  };
}

/**
 * Locks a row of the Thing table in a transaction of the test's, so that a task on it waits.
 * @returns releases the row; idempotent
 */
export async function holdRecord(engine: EngineFixture, id: number): Promise<() => Promise<void>> {
  const client = await engine.pool.connect();
  await client.query("BEGIN");
  await client.query("SELECT FROM thing WHERE id = $1 FOR UPDATE", [id]);
  let isHeld = true;
  return async () => {
    if (isHeld) {
      isHeld = false;
      await client.query("ROLLBACK");
      client.release();
    }
  };
}
