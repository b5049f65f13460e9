import type { GraphQLSchema } from "graphql";
import { createMemoryEventBus } from "../support/memory/memory-event-bus.ts";
import { createMemoryEventLog } from "../support/memory/memory-event-log.ts";
import { createMemoryTaskQueue } from "../support/memory/memory-task-queue.ts";
import { createMemoryTaskStore } from "../support/memory/memory-task-store.ts";
import { createMemoryUnitOfWork } from "../support/memory/memory-unit-of-work.ts";
import type { TaskFeed } from "../../src/core/events/task-feed.ts";
import type { RecordFeed } from "../../src/core/record-events/record-feed.ts";
import type { TaskSight } from "../../src/core/tasks/task-sight.ts";
import { createTaskFeed } from "../../src/core/events/task-feed.ts";
import type { LockStore } from "../../src/core/locks/lock-store.ts";
import { createModelRegistry } from "../../src/core/records/model.ts";
import { createTaskReads } from "../../src/core/tasks/manager/create-task-manager.ts";
import { cancelTask } from "../../src/core/tasks/run/cancel-task.ts";
import { pauseTask } from "../../src/core/tasks/run/pause-task.ts";
import { resumeTask } from "../../src/core/tasks/run/resume-task.ts";
import type { TaskStore } from "../../src/core/tasks/task-store.ts";
import { createBuilder, createSharedRefs } from "../../src/graphql/builder.ts";
import { builtInNames } from "../../src/graphql/create-schema.ts";
import { addErrorTypes } from "../../src/graphql/errors.ts";
import { chooseNames } from "../../src/graphql/models/choose-names.ts";
import { addPageInfo } from "../../src/graphql/pagination/page.ts";
import { addScalars } from "../../src/graphql/scalars.ts";
import { addRecordEvents } from "../../src/graphql/record-events.ts";
import { createTaskSchema } from "../../src/graphql/tasks/task-schema.ts";
import { AppError } from "../../src/kernel/app-error.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { createSystemClock } from "../../src/kernel/clock.ts";
import type { HttpServer } from "../../src/server/create-http-server.ts";
import { createHttpServer } from "../../src/server/create-http-server.ts";
import type { HttpServerOptions } from "../../src/server/server-options.ts";
import { modelOf, scalar } from "../support/model-fixture.ts";
import type { TaskDriver } from "./task-driver.ts";
import { createTaskDriver } from "./task-driver.ts";

/** No task has locks here, so a settlement releases none. */
const NO_LOCKS = {
  release: () => Promise.resolve(),
  owners: () => Promise.resolve(new Map()),
} as unknown as LockStore;

/** A server over real sockets with stores in memory. The test drives its tasks. */
export interface ServerFixture {
  readonly server: HttpServer;
  readonly schema: GraphQLSchema;
  readonly tasks: TaskDriver;
  readonly store: TaskStore;
  /** The logged errors and warnings. */
  readonly logged: readonly { readonly fields: object; readonly message: string }[];
  /** The number of open subscriptions. */
  subscriberCount(): number;
  /** Stops the server, and starts another at the same address. */
  restart(whileDown: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export async function startServerFixture(options: Partial<HttpServerOptions> = {}): Promise<ServerFixture> {
  const logged: { fields: object; message: string }[] = [];
  const note = (fields: object, message: string): void => void logged.push({ fields, message });
  const logger: Logger = { debug: () => {}, info: () => {}, warn: note, error: note };
  const ports = {
    unitOfWork: createMemoryUnitOfWork({ logger }),
    tasks: createMemoryTaskStore(),
    log: createMemoryEventLog(),
    bus: createMemoryEventBus({ logger }),
    locks: NO_LOCKS,
    queue: createMemoryTaskQueue({ logger }),
    clock: createSystemClock(),
    logger,
  };
  const feed = createTaskFeed(ports);
  await feed.start();
  const counted = countSubscribers(feed);
  const schema = createFixtureSchema({
    ...ports,
    feed: counted.feed,
    controls: {
      cancelTask: (request) => cancelTask(ports, request),
      pauseTask: (request) => pauseTask(ports, request),
      resumeTask: (request) => resumeTask(ports, request),
    },
    retryTask: () => Promise.resolve({ kind: "UNAVAILABLE", message: "nothing runs tasks here" }),
  });
  const serve = (port: number): HttpServer =>
    createHttpServer({
      schema,
      tasks: createTaskReads(ports.tasks),
      host: "127.0.0.1",
      port,
      logger,
      ...options,
    });
  let server = serve(0);
  await server.start();
  return {
    get server() {
      return server;
    },
    schema,
    logged,
    tasks: createTaskDriver(ports),
    store: ports.tasks,
    subscriberCount: () => counted.open.size,
    async restart(whileDown) {
      const port = Number(new URL(server.url).port);
      await server.stop();
      await whileDown();
      server = serve(port);
      await server.start();
    },
    async stop() {
      await server.stop();
      await feed.stop();
      await ports.bus.close();
    },
  };
}

/** The same feed, with the set of its open iterators. */
function countSubscribers(feed: TaskFeed): { readonly feed: TaskFeed; readonly open: ReadonlySet<object> } {
  const open = new Set<object>();
  const count = <T extends AsyncIterableIterator<unknown, undefined>>(items: T): T => {
    const leave = items.return?.bind(items);
    open.add(items);
    items.return = () => {
      open.delete(items);
      return leave?.() ?? Promise.resolve({ done: true, value: undefined });
    };
    return items;
  };
  return {
    open,
    feed: {
      subscribe: (request) => count(feed.subscribe(request)),
      watch: (taskId, request) => count(feed.watch(taskId, request)),
      isOver: (taskIds, after) => feed.isOver(taskIds, after),
    },
  };
}

/**
 * The tasks' part of the schema over any adapters, with fields that the tests need.
 * @param records what `recordEvents` calls. Default: nothing
 */
export function createFixtureSchema(
  ports: Parameters<typeof createTaskSchema>[0],
  records: { readonly feed: RecordFeed; readonly sight?: TaskSight } = {
    feed: { subscribe: () => Promise.reject(new Error("no records here")) },
  },
): GraphQLSchema {
  const builder = createBuilder({ datamodel: { models: {}, enums: {}, types: {} } });
  const { models, names } = chooseNames(
    createModelRegistry(
      ["City", "Country"].map((name) => modelOf(name, [scalar("id", "Int", { isKey: true })])),
      [],
    ),
    { models: {} },
    builtInNames([createTaskSchema(ports)]),
  );
  const refs = createSharedRefs(builder, models);
  const schema = { builder, refs, models, names };
  builder.queryType({});
  builder.mutationType({});
  builder.subscriptionType({});
  addScalars(builder);
  addPageInfo(schema);
  addErrorTypes(schema);
  createTaskSchema(ports)(schema);
  addRecordEvents(records.feed)({ ...schema, ...(records.sight && { sight: records.sight }) });
  builder.queryFields((t) => ({
    whoAmI: t.string({ nullable: true, resolve: (_root, _args, { viewer }) => viewer.id }),
    fail: t.string({
      resolve: () => {
        throw new Error("the password is 12345");
      },
    }),
    refuse: t.string({
      resolve: () => {
        throw new AppError("LIMIT_EXCEEDED", "Too many cities.", { details: { limit: 3 } });
      },
    }),
    at: t.string({ args: { moment: t.arg({ type: "DateTime", required: true }) }, resolve: () => "now" }),
  }));
  builder.mutationFields((t) => ({
    count: t.int({
      args: { ids: t.arg.idList({ required: true }) },
      resolve: (_root, { ids }) => ids.length,
    }),
  }));
  builder.subscriptionFields((t) => ({
    breaks: t.int({
      async *subscribe() {
        yield 1;
        throw new Error("the password is 12345");
      },
      resolve: (value) => value,
    }),
  }));
  return builder.toSchema();
}
