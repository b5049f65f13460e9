import type { Pool } from "pg";
import { createPool } from "../../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPgUnitOfWork } from "../../src/adapters/postgres/connection/pg-unit-of-work.ts";
import { createPostgresSideEffects } from "../../src/adapters/postgres/effects/postgres-side-effects.ts";
import { createPostgresChunkWriter } from "../../src/adapters/postgres/writes/postgres-chunk-writer.ts";
import { createPostgresEventLog } from "../../src/adapters/postgres/events/postgres-event-log.ts";
import { createPostgresLockStore } from "../../src/adapters/postgres/locks/postgres-lock-store.ts";
import { createPostgresTaskStore } from "../../src/adapters/postgres/tasks/postgres-task-store.ts";
import { createTableShapes } from "../../src/adapters/postgres/records/table-shape.ts";
import { createPostgresRecordDefaults } from "../../src/adapters/postgres/records/postgres-record-defaults.ts";
import { defaultGeneratorOf } from "../../src/adapters/prisma/default-generators.ts";
import { BULK_OPERATIONS } from "../../src/core/bulk/bulk-kinds.ts";
import { createBulkDefinition } from "../../src/core/bulk/bulk-definition.ts";
import type { BulkRequest } from "../../src/core/bulk/bulk-request.ts";
import type { BulkRules } from "../../src/core/bulk/bulk-rules.ts";
import { bulkRulesOf } from "../../src/core/bulk/bulk-rules.ts";
import type { ChunkWriter } from "../../src/core/bulk/chunk-writer.ts";
import { createLaunchBulk } from "../../src/core/bulk/launch-bulk.ts";
import type { RetryTask } from "../../src/core/bulk/retry-task.ts";
import { createRetryTask } from "../../src/core/bulk/retry-task.ts";
import type { TaskFeed } from "../../src/core/events/task-feed.ts";
import { createTaskFeed } from "../../src/core/events/task-feed.ts";
import type { ModelOptionsMap } from "../../src/core/records/model-options.ts";
import type { ModelRegistry } from "../../src/core/records/model.ts";
import { createRecordHooks } from "../../src/core/records/record-hooks.ts";
import type { Access } from "../../src/core/access/access.ts";
import { ANONYMOUS } from "../../src/core/access/viewer.ts";
import type { LockScopes } from "../../src/core/locks/claim.ts";
import { createRunningAttempts } from "../../src/core/tasks/run/running-attempts.ts";
import type { LaunchOutcome } from "../../src/core/tasks/launch/launch-outcome.ts";
import type { LaunchPorts } from "../../src/core/tasks/launch/launch-task.ts";
import type { TaskHooks } from "../../src/core/tasks/task-hooks.ts";
import type { TaskDefinition } from "../../src/core/tasks/task-definition.ts";
import { createTaskDefinitions } from "../../src/core/tasks/task-definition.ts";
import type { TaskQueue } from "../../src/core/tasks/task-queue.ts";
import type { Task } from "../../src/core/tasks/task.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import type { SqlSession } from "../../src/kernel/sql-session.ts";
import { createSystemClock } from "../../src/kernel/clock.ts";
import { createWorker } from "../../src/worker/create-worker.ts";
import { withDeadline } from "./deadline.ts";
import type { TestBackend } from "./test-backend.ts";
import { createTestBackend } from "./test-backend.ts";
import { createTestDatabase } from "./test-database.ts";
import { createThingRecords, createThingTransactions } from "./thing-records.ts";
import { createThingReader, THING_MODELS, THING_TABLE } from "./thing-fixture.ts";

/** What a test may put in the place of the usual. */
export interface EngineOverrides {
  readonly access?: Access;
  readonly rules?: BulkRules;
  /** Of what the models' code does around writes; its client is the transaction's session. */
  readonly modelOptions?: ModelOptionsMap;
  /** For what goes wrong in that code. Default: says nothing. */
  readonly logger?: Logger;
  /** In the place of Thing's; selected by ids. */
  readonly models?: ModelRegistry;
  /** SQL that makes their tables. */
  readonly tables?: string;
  readonly tasks?: readonly TaskDefinition[];
  readonly hooks?: TaskHooks;
  readonly isAsyncEnabled?: boolean;
  /** Wraps the real queue. */
  readonly queue?: (real: TaskQueue) => TaskQueue;
  readonly maxChunkRecords?: number;
  readonly maxRecords?: number;
  readonly lockEscalationRecords?: number;
  readonly lockScopes?: LockScopes;
  readonly whenQueueDown?: "error" | "sync";
  readonly leaseMs?: number;
  readonly maxAttempts?: number;
  /** Puts queue and bus in this Redis, whatever backend the run is for. */
  readonly redisUrl?: string;
}

const USUAL = {
  access: { scope: () => undefined },
  rules: bulkRulesOf({}),
  models: THING_MODELS,
  modelOptions: {},
  tasks: [],
  lockScopes: { of: () => undefined },
  isAsyncEnabled: true,
  maxChunkRecords: 5000,
  maxRecords: 1_000_000,
  lockEscalationRecords: 200_000,
  whenQueueDown: "error",
  leaseMs: 3000,
  maxAttempts: 100,
} satisfies EngineOverrides;

/** The engine on a real database of its own with the Thing table, its worker running. */
export interface EngineFixture {
  readonly pool: Pool;
  readonly session: SqlSession;
  readonly ports: LaunchPorts;
  readonly writer: ChunkWriter;
  readonly feed: TaskFeed;
  readonly backend: TestBackend;
  /** Launches on Thing as someone anonymous, unless told otherwise. */
  launch(request: Partial<BulkRequest> & Pick<BulkRequest, "operation">): Promise<LaunchOutcome>;
  /** The same, when it must be accepted. */
  launched(request: Partial<BulkRequest> & Pick<BulkRequest, "operation">): Promise<Task>;
  readonly retry: RetryTask;
  /** The task once it is settled. */
  settled(taskId: string): Promise<Task>;
  task(taskId: string): Promise<Task>;
  stop(): Promise<void>;
}

export async function createEngineFixture(overrides: EngineOverrides = {}): Promise<EngineFixture> {
  const database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({ connectionString: database.url, applicationName: "test", logger });
  await pool.query(overrides.tables ?? THING_TABLE);
  const session = createPgSession(pool);
  const unitOfWork = createPgUnitOfWork({ pool, logger });
  const reader = createThingReader(session);
  const { access, rules, tasks, lockScopes, maxRecords, maxChunkRecords, models, modelOptions, ...settings } =
    {
      ...USUAL,
      ...overrides,
    };
  const shapes = createTableShapes(session);
  const sideEffects = createPostgresSideEffects({ session, shapes, models });
  const backend = await createTestBackend({
    databaseUrl: database.url,
    session,
    logger,
    redisUrl: overrides.redisUrl,
  });
  const { bus, queue: realQueue } = backend;
  const locks = createPostgresLockStore({ session });
  const records = createThingRecords(unitOfWork);
  const writer = createPostgresChunkWriter({ session, unitOfWork, records, shapes, locks });
  const hooks = createRecordHooks({
    options: modelOptions,
    transactions: createThingTransactions(),
    logger: overrides.logger ?? logger,
  });
  const { lockEscalationRecords } = settings;
  const bulk = { models, access, rules, writer, hooks, sideEffects, lockScopes, lockEscalationRecords };
  const runningAttempts = createRunningAttempts({ bus, logger });
  const ports: LaunchPorts = {
    unitOfWork,
    tasks: createPostgresTaskStore({ session }),
    log: createPostgresEventLog({ session }),
    locks,
    bus,
    runningAttempts,
    queue: overrides.queue?.(realQueue) ?? realQueue,
    clock: createSystemClock(),
    logger,
    ...(overrides.hooks === undefined ? {} : { hooks: overrides.hooks }),
    definitions: createTaskDefinitions([
      ...BULK_OPERATIONS.map((operation) => createBulkDefinition(bulk, operation)),
      ...tasks,
    ]),
    workerId: "test",
    leaseMs: settings.leaseMs,
    maxAttempts: settings.maxAttempts,
    progressIntervalMs: 10,
    settings: {
      isAsyncEnabled: settings.isAsyncEnabled,
      minAsyncRecords: 20,
      lockEscalationRecords: settings.lockEscalationRecords,
      whenQueueDown: settings.whenQueueDown,
    },
  };
  const feed = createTaskFeed(ports);
  const worker = createWorker({ ...ports, runningAttempts, concurrency: 2 });
  await feed.start();
  await runningAttempts.start();
  await worker.start();
  const launching = {
    ...ports,
    models,
    reader,
    access,
    lockScopes,
    rules,
    writer,
    defaults: createPostgresRecordDefaults({ session, shapes, generatorOf: defaultGeneratorOf }),
    maxRecords,
    maxChunkRecords,
  };
  const launchBulk = createLaunchBulk(launching);
  const fixture: EngineFixture = {
    retry: createRetryTask(launching),
    pool,
    session,
    ports,
    writer,
    feed,
    backend,
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
    async settled(taskId) {
      const last = async (): Promise<Task> => {
        let task: Task | undefined;
        for await (task of feed.watch(taskId)) {
          // Only the last state counts.
        }
        if (task === undefined) {
          throw new Error("the task was never seen");
        }
        return task;
      };
      return withDeadline(last(), 20_000, `settling of task ${taskId}`);
    },
    async task(taskId) {
      const task = (await ports.tasks.find([taskId])).get(taskId);
      if (task === undefined) {
        throw new Error(`there is no task ${taskId}`);
      }
      return task;
    },
    async stop() {
      await worker.stop();
      await feed.stop();
      await runningAttempts.stop();
      await backend.close();
      await pool.end();
      await database.drop();
    },
  };
  return fixture;
}

/**
 * Locks a row of the Thing table in a transaction of a stranger's, so that a task that comes to it waits.
 * @returns lets go of the row; idempotent
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
