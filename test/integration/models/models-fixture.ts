import { PrismaPg } from "@prisma/adapter-pg";
import type { DocumentNode, ExecutionResult, GraphQLSchema } from "graphql";
import { execute as executeDocument, parse, validate } from "graphql";
import type { Client, PoolClient } from "pg";
import { createMemoryEventBus } from "../../support/memory/memory-event-bus.ts";
import { createMemoryEventLog } from "../../support/memory/memory-event-log.ts";
import { traceLeases } from "../../../src/adapters/postgres/connection/trace-leases.ts";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import { createPgUnitOfWork } from "../../../src/adapters/postgres/connection/pg-unit-of-work.ts";
import { createEmulatedKeys } from "../../../src/adapters/postgres/effects/foreign-keys.ts";
import { createPostgresFileWriter } from "../../../src/adapters/postgres/files/postgres-file-writer.ts";
import { createPostgresSideEffects } from "../../../src/adapters/postgres/effects/postgres-side-effects.ts";
import { createPostgresLockStore } from "../../../src/adapters/postgres/locks/postgres-lock-store.ts";
import { createPostgresTaskStore } from "../../../src/adapters/postgres/tasks/postgres-task-store.ts";
import { createTableShapes } from "../../../src/adapters/postgres/records/table-shape.ts";
import type { PrismaPort } from "../../../src/adapters/prisma/prisma-client-port.ts";
import { createTextRows } from "../../../src/adapters/postgres/connection/text-rows.ts";
import { createPostgresRecordReader } from "../../../src/adapters/postgres/records/postgres-record-reader.ts";
import { defaultGeneratorOf } from "../../../src/adapters/prisma/default-generators.ts";
import { toDecimal } from "../../../src/adapters/prisma/column-from-json.ts";
import { pothosDatamodel } from "../../../src/adapters/prisma/pothos-datamodel.ts";
import { createPrismaChunkRecords } from "../../../src/adapters/prisma/prisma-chunk-records.ts";
import { createPrismaHookTransactions } from "../../../src/adapters/prisma/prisma-hook-transactions.ts";
import { translatePrismaError } from "../../../src/adapters/prisma/prisma-unavailable.ts";
import { createPrismaUnitOfWork } from "../../../src/adapters/prisma/prisma-unit-of-work.ts";
import type { BulkRequest } from "../../../src/core/bulk/bulk-request.ts";
import { createTaskFeed } from "../../../src/core/events/task-feed.ts";
import type { Claim } from "../../../src/core/locks/claim.ts";
import type { FileWriter } from "../../../src/core/files/file-reading.ts";
import type { LockStore } from "../../../src/core/locks/lock-store.ts";
import type { ModelOptionsMap } from "../../../src/core/records/model-options.ts";
import { accessOf, lockScopesOf } from "../../../src/core/records/model-options.ts";
import type { ModelRegistry } from "../../../src/core/records/model.ts";
import type { RecordGroups } from "../../../src/core/records/record-groups.ts";
import type { RecordLists } from "../../../src/core/records/record-lists.ts";
import type { RecordReader } from "../../../src/core/records/record-reader.ts";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { createClaimOf, createRecordHooks } from "../../../src/core/records/record-hooks.ts";
import { createWriteOne } from "../../../src/core/bulk/write-one.ts";
import { createPostgresNamedRecords } from "../../../src/adapters/postgres/records/postgres-named-records.ts";
import { createPostgresRecordDefaults } from "../../../src/adapters/postgres/records/postgres-record-defaults.ts";
import { createPostgresRecordWriter } from "../../../src/adapters/postgres/writes/postgres-record-writer.ts";
import { createRecordGroups, createRecordLists } from "../../../src/compose/create-record-lists.ts";
import { schemaOf } from "../../../src/compose/define-config.ts";
import { markNativeTypes } from "../../../src/compose/mark-native-types.ts";
import { readModels } from "../../../src/compose/read-models.ts";
import type { TaskStore } from "../../../src/core/tasks/task-store.ts";
import { generated as demo } from "../../../src/generated/powercrud.ts";
import type { GeneratedSchema } from "../../../src/index.ts";
import { createSchema } from "../../../src/graphql/create-schema.ts";
import { createTaskSchema } from "../../../src/graphql/tasks/task-schema.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { createSystemClock } from "../../../src/kernel/clock.ts";
import type { SqlSession } from "../../../src/kernel/sql-session.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import type { Holder } from "../../support/hold-records.ts";
import { holdRecords } from "../../support/hold-records.ts";

/** The output of `prisma generate`. */
export interface GeneratedCode extends GeneratedSchema {
  /** SQL that makes the tables in an empty database. */
  readonly sql?: string;
}

const DEMO: GeneratedCode = demo;

export interface ModelsOverrides {
  readonly modelOptions?: ModelOptionsMap;
  readonly generated?: GeneratedCode;
  /** What queries read with. Default: our own SQL. */
  readonly reader?: "sql" | "prisma";
  /** Wraps the real lock store. */
  readonly locks?: (real: LockStore) => LockStore;
  /** Wraps the real task store. */
  readonly tasks?: (real: TaskStore) => TaskStore;
}

/** The data of an operation. Its shape is that of the test's own document. */
// oxlint-disable-next-line typescript/no-explicit-any -- spelling out the shape of every document would hide what the tests say
export type Answer = any;

/** The generated API on a real database of its own. Bulk launches are only recorded. */
export interface ModelsFixture {
  readonly schema: GraphQLSchema;
  readonly models: ModelRegistry;
  readonly reader: RecordReader;
  /** What queries read with. */
  readonly listsOf: (reader: "sql" | "prisma") => RecordLists;
  readonly groups: RecordGroups;
  readonly files: FileWriter;
  readonly client: PrismaPort;
  readonly locks: LockStore;
  /** The statements that the service sent since it was last emptied. */
  readonly sql: string[];
  /** The last of them, with its values. */
  lastStatement(): { readonly text: string; readonly values: readonly unknown[] };
  readonly launches: BulkRequest[];
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** A connection of the test's own. The caller must release it. */
  connect(): Promise<PoolClient>;
  execute(source: string, variables?: Record<string, unknown>, viewer?: Viewer): Promise<ExecutionResult>;
  /** The data of an operation that must succeed. */
  data(source: string, variables?: Record<string, unknown>, viewer?: Viewer): Promise<Answer>;
  /** The first error of an operation that must fail. */
  refused(source: string, variables?: Record<string, unknown>): Promise<{ message: string; code: unknown }>;
  /** Makes a task that holds the records until it releases them. */
  hold(claims: readonly Claim[]): Promise<Holder>;
  stop(): Promise<void>;
}

export async function createModelsFixture(overrides: ModelsOverrides = {}): Promise<ModelsFixture> {
  const { modelOptions = {}, generated = DEMO } = overrides;
  const schemaData = schemaOf({ generated });
  const database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({ connectionString: database.url, applicationName: "test", logger });
  if (generated.sql !== undefined) {
    await pool.query(generated.sql);
  }
  const session = createPgSession(pool);
  const sql: string[] = [];
  const own = createPool({ connectionString: database.url, applicationName: "service", logger });
  let last: Sent = { text: "", values: [] };
  own.on("connect", (connection) =>
    recordStatements(connection, (sent) => {
      sql.push(sent.text);
      last = sent;
    }),
  );
  const ownSession = createPgSession(own);
  const realTasks = createPostgresTaskStore({ session });
  const tasks = overrides.tasks?.(realTasks) ?? realTasks;
  const realLocks = createPostgresLockStore({ session });
  const locks = overrides.locks?.(realLocks) ?? realLocks;
  const leases = traceLeases(own);
  const client = generated.createClient({ adapter: new PrismaPg(own) }) as PrismaPort & {
    $disconnect(): Promise<void>;
  };
  const shapes = createTableShapes(ownSession);
  const read = readModels({ generated, models: modelOptions });
  const models = await markNativeTypes(read.models, shapes, read.problems);
  const readerOf = (over: SqlSession): RecordReader =>
    createPostgresRecordReader({ session: over, models, shapes });
  const reader = readerOf(ownSession);
  const transactions = createPrismaUnitOfWork({ client, logger, leases });
  const defaults = createPostgresRecordDefaults({
    session: ownSession,
    shapes,
    generatorOf: defaultGeneratorOf,
  });
  const emulatedKeys = createEmulatedKeys(ownSession, models.emulatedKeys);
  const rows = createTextRows(own);
  const listsOf: ModelsFixture["listsOf"] = (name) =>
    createRecordLists({
      reader: name,
      session: ownSession,
      rows,
      clientOfViewer: () => client,
      ids: reader,
      models,
      shapes,
    });
  const groups = createRecordGroups({ rows, models, shapes });
  const launches: BulkRequest[] = [];
  const feedPorts = { tasks, log: createMemoryEventLog(), bus: createMemoryEventBus({ logger }), logger };
  const schema = createSchema({
    datamodel: pothosDatamodel(schemaData),
    models,
    names: read.names,
    modelOptions,
    access: accessOf(modelOptions),
    reader,
    lists: listsOf(overrides.reader ?? "sql"),
    groups,
    translateError: translatePrismaError,
    writeOne: createWriteOne({
      models,
      access: accessOf(modelOptions),
      reader,
      logger,
      defaults,
      named: createPostgresNamedRecords({ session: ownSession, models, shapes }),
      writer: createPostgresRecordWriter({
        session: ownSession,
        unitOfWork: createPgUnitOfWork({ pool: own, logger }),
        records: createPrismaChunkRecords({ transactions, readerOf }),
        shapes,
        locks,
        defaults,
        emulatedKeys,
        rows,
        toDecimal,
      }),
      hooks: createRecordHooks({
        options: modelOptions,
        transactions: createPrismaHookTransactions(transactions),
        locks,
        claimOf: createClaimOf(models, lockScopesOf(modelOptions)),
        launch: () => Promise.reject(new Error("nothing launches tasks here")),
        logger,
      }),
      sideEffects: createPostgresSideEffects({ session: ownSession, models, shapes, emulatedKeys }),
      locks,
      lockScopes: lockScopesOf(modelOptions),
      tasks,
    }),
    launchBulk: (request) => {
      launches.push(request);
      return Promise.resolve({ kind: "LIMIT", message: "only recorded", limit: 0, matched: null });
    },
    maxRecords: 1000,
    locks,
    tasks,
    contributors: [
      createTaskSchema({
        controls: { cancelTask: refuse, pauseTask: refuse, resumeTask: refuse },
        retryTask: refuse,
        ...feedPorts,
        feed: createTaskFeed({ ...feedPorts, clock: createSystemClock() }),
      }),
    ],
  });
  // As the server does, so that what is kept for a document that comes again is used.
  const documents = new Map<string, DocumentNode>();
  const execute: ModelsFixture["execute"] = async (source, variableValues = {}, viewer = ANONYMOUS) => {
    const document = documents.get(source) ?? parse(source);
    documents.set(source, document);
    const errors = validate(schema, document);
    return errors.length > 0
      ? { errors }
      : executeDocument({ schema, document, variableValues, contextValue: { viewer } });
  };
  return {
    schema,
    models,
    reader,
    listsOf,
    files: createPostgresFileWriter({ models, shapes, toDecimal, pool: own, session: ownSession }),
    groups,
    client,
    locks,
    sql,
    lastStatement: () => last,
    launches,
    execute,
    query: (text, values) => session.query(text, values),
    connect: () => pool.connect(),
    async data(source, variables, viewer) {
      const result = await execute(source, variables, viewer);
      if (result.errors !== undefined) {
        throw new Error(JSON.stringify(result.errors), { cause: result.errors[0]?.originalError });
      }
      return result.data;
    },
    async refused(source, variables) {
      const { errors } = await execute(source, variables);
      if (errors?.[0] === undefined) {
        throw new Error("the operation was not refused");
      }
      return { message: errors[0].message, code: errors[0].extensions["code"] };
    },
    hold: (claims) => holdRecords(pool, claims),
    async stop() {
      await client.$disconnect();
      await own.end();
      await pool.end();
      await database.drop();
    },
  };
}

/** A statement as the driver takes it. */
interface Sent {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Records each statement of the connection. */
function recordStatements(connection: Pick<Client, "query">, record: (sent: Sent) => void): void {
  const query = connection.query.bind(connection) as (...args: unknown[]) => unknown;
  connection.query = ((...args: unknown[]) => {
    const [sent, values = []] = args as [string | Sent, unknown[]?];
    record(
      typeof sent === "string" ? { text: sent, values } : { text: sent.text, values: sent.values ?? values },
    );
    return query(...args);
  }) as typeof connection.query;
}

const refuse = () => Promise.resolve({ kind: "UNAVAILABLE", message: "nothing runs tasks here" } as const);
