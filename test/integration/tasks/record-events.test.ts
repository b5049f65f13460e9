import { setImmediate } from "node:timers/promises";
import type { ExecutionResult } from "graphql";
import { parse, subscribe } from "graphql";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import type { AccessOption, Viewer } from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/index.ts";
import { createPgSession } from "../../../src/adapters/postgres/connection/pg-session.ts";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import { createPostgresEventBus } from "../../../src/adapters/postgres/events/postgres-event-bus.ts";
import { createFailFastRedis } from "../../../src/adapters/redis/redis-connection.ts";
import { createRedisEventBus } from "../../../src/adapters/redis/redis-event-bus.ts";
import { createAccess } from "../../../src/core/access/access-rules.ts";
import { createRecordAnnouncer } from "../../../src/core/events/record-announcer.ts";
import type { RecordFeed } from "../../../src/core/record-events/record-feed.ts";
import { createRecordFeed } from "../../../src/core/record-events/record-feed.ts";
import { createModelRegistry } from "../../../src/core/records/model.ts";
import { createSystemClock } from "../../../src/kernel/clock.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { modelOf, scalar } from "../../support/model-fixture.ts";
import { nextWithin } from "../../support/deadline.ts";
import type { TestRedis } from "../../support/test-redis.ts";
import { createTestRedis } from "../../support/test-redis.ts";
import type { ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

const EVENTS = `subscription ($model: ModelName!, $ids: [ID!]) {
  recordEvents(model: $model, ids: $ids) { type model recordIds isAll task { id } }
}`;
/** Within its scope: the cities whose population is 1. */
const SCOPED: Viewer = { id: "scoped" };
/** Another with the same scope. */
const EQUAL: Viewer = { id: "scoped", claims: { name: "equal" } };

interface RecordEvent {
  readonly type: string;
  readonly model: string;
  readonly recordIds: readonly string[];
  readonly isAll: boolean;
  readonly task: { readonly id: string } | null;
}

const logger = createSilentLogger();
const clock = createSystemClock();

type Backend = "postgres" | "redis";

let redis: TestRedis;
const services = new Map<Backend, ServiceFixture>();
const closing: (() => void)[] = [];
beforeAll(async () => {
  redis = createTestRedis();
  // Deletes have a filter of their own, beside that of reads.
  const access: AccessOption = {
    read: ({ viewer }) => viewer.id !== SCOPED.id || { population: { equals: 1 } },
    delete: ({ viewer }) => viewer.id !== SCOPED.id || { id: { gt: 100 } },
  };
  const models = { ...demoConfig.models, City: { access } };
  const { url: redisUrl, keyPrefix: redisKeyPrefix } = redis;
  services.set("postgres", await createServiceFixture(models, { backend: "postgres" }));
  services.set("redis", await createServiceFixture(models, { backend: "redis", redisUrl, redisKeyPrefix }));
  await Promise.all(
    [...services.values()].map(async (service) => {
      await service.startWorker();
      closing.push(await untilWorkerHears(service));
    }),
  );
});
afterAll(async () => {
  closing.forEach((close) => close());
  await Promise.all([...services.values()].map((service) => service.stop()));
  await redis.drop();
});

function serviceOn(backend: Backend): ServiceFixture {
  const service = services.get(backend);
  if (service === undefined) {
    throw new Error(`no service on ${backend}`);
  }
  return service;
}

async function subscribeTo(
  service: ServiceFixture,
  variables: Record<string, unknown>,
  viewer: Viewer = ANONYMOUS,
): Promise<AsyncGenerator<ExecutionResult>> {
  const results = await subscribe({
    schema: service.api.schema,
    document: parse(EVENTS),
    variableValues: { model: "City", ...variables },
    contextValue: { viewer },
  });
  if (!(Symbol.asyncIterator in results)) {
    throw new Error(JSON.stringify(results.errors));
  }
  return results as AsyncGenerator<ExecutionResult>;
}

const nextOf = async (results: AsyncGenerator<ExecutionResult>): Promise<RecordEvent> => {
  const { data, errors } = await nextWithin<ExecutionResult>(results, 20_000, "an event of records");
  expect(errors).toBeUndefined();
  return { ...(data?.["recordEvents"] as RecordEvent) };
};

/**
 * Resolves once the worker has heard that somebody listens: it tells a little later than the API. The events of what it took
 * for that have come by then.
 * @returns ends the subscription that keeps it so
 */
async function untilWorkerHears(service: ServiceFixture): Promise<() => void> {
  const results = await subscribeTo(service, { ids: ["12"] });
  const run = async (): Promise<string> => {
    const id = await service.launched([12], "heard", { allowDuplicate: true });
    await service.settled(id);
    return id;
  };
  const isHeard = (async () => {
    while ((await nextOf(results)).type !== "UPDATED");
    return true;
  })();
  do {
    await run();
  } while (!(await Promise.race([isHeard, setImmediate(false)])));
  const last = await run();
  for (let event = await nextOf(results); event.type !== "RELEASED" || event.task?.id !== last;) {
    event = await nextOf(results);
  }
  return () => void results.return(undefined);
}

/** Subscribes, and reads the first message. */
async function follow(
  service: ServiceFixture,
  variables: Record<string, unknown> = {},
  viewer: Viewer = ANONYMOUS,
) {
  const results = await subscribeTo(service, variables, viewer);
  onTestFinished(() => void results.return(undefined));
  const next = (): Promise<RecordEvent> => nextOf(results);
  const { model = "City" } = variables;
  expect(await next()).toEqual({ type: "GAP", model, isAll: true, recordIds: [], task: null });
  return {
    next,
    /** All events up to the first of the type. */
    async until(type: string): Promise<RecordEvent[]> {
      const events = [await next()];
      while (events.at(-1)?.type !== type) {
        events.push(await next());
      }
      return events;
    },
  };
}

/** The feed of one more process. It hears of cities. */
async function startFeed(backend: Backend): Promise<RecordFeed> {
  const { databaseUrl } = serviceOn(backend);
  const [pool, publisher] = [
    createPool({ connectionString: databaseUrl, applicationName: "one more", logger }),
    createFailFastRedis({ url: redis.url, name: "one more", logger }),
  ];
  const bus =
    backend === "redis"
      ? createRedisEventBus({ publisher, url: redis.url, keyPrefix: redis.keyPrefix, logger })
      : createPostgresEventBus({ session: createPgSession(pool), connectionString: databaseUrl, logger });
  const announcer = createRecordAnnouncer({ bus, clock, logger });
  await announcer.start();
  const feed = createRecordFeed({
    audience: announcer,
    bus,
    clock,
    logger,
    models: createModelRegistry([modelOf("City", [scalar("id", "Int", { isKey: true })])], []),
    access: createAccess(() => true),
    lockScopes: { of: () => undefined },
    reader: { existingIds: () => Promise.resolve([]) },
    tasks: { find: async () => new Map() },
  });
  await feed.start();
  onTestFinished(async () => {
    await feed.stop();
    await announcer.stop();
    await bus.close();
    publisher.close();
    await pool.end();
  });
  return feed;
}

describe.each<Backend>(["postgres", "redis"])("recordEvents, over %s", (backend) => {
  it("says first that it is in place: what another process writes right after that, is told", async () => {
    const service = serviceOn(backend);
    for (let round = 0; round < 10; round += 1) {
      const feed = await startFeed(backend);
      const events = await feed.subscribe({ model: "City", viewer: ANONYMOUS });
      const next = () => nextWithin(events, 10_000, "an event of records");
      expect((await next()).type).toBe("GAP");
      let event: Pick<RecordEvent, "type" | "recordIds">;
      do {
        await service.data(`mutation { updateCity(id: "11", data: {notes: "${round}"}) { __typename } }`);
        event = await next();
        // Of what was changed before anybody listened.
      } while (event.type === "GAP");
      expect(event).toMatchObject({ type: "UPDATED", recordIds: ["11"] });
    }
  });

  it("tells of a worker's task: locks, each chunk as it commits without what was left out, releases", async () => {
    const service = serviceOn(backend);
    const [all, some] = [await follow(service), await follow(service, { ids: ["5", "9"] })];
    const id = await service.launched([3, 4, 5, 6, 7, 99], "told", { errorPolicy: "SKIP_FAILED" });
    const events = await all.until("RELEASED");
    const recordIds = ["3", "4", "5", "6", "7"];
    // A task also holds ids of records that are not there.
    const held = [...recordIds, "99"];
    const base = { model: "City", isAll: false, task: { id } };
    expect(events[0]).toEqual({ ...base, type: "LOCKED", recordIds: held });
    expect(events.at(-1)).toEqual({ ...base, type: "RELEASED", recordIds: held });
    const chunks = events.slice(1, -1);
    expect(chunks).toHaveLength(3);
    expect(chunks.every(({ type, task }) => type === "UPDATED" && task?.id === id)).toBe(true);
    expect(chunks.flatMap((each) => each.recordIds).toSorted()).toEqual(recordIds);
    expect((await some.until("RELEASED")).map(({ type, recordIds: ids }) => [type, ...ids])).toEqual([
      ["LOCKED", "5"],
      ["UPDATED", "5"],
      ["RELEASED", "5"],
    ]);
  });

  it("folds a lock on the whole model, and tells of a task that writes all or nothing once", async () => {
    const service = serviceOn(backend);
    const all = await follow(service);
    const ids = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const id = await service.launched(ids, "together", { errorPolicy: "ALL_OR_NOTHING" });
    const task = { id };
    expect(await all.until("RELEASED")).toEqual([
      { type: "LOCKED", model: "City", isAll: true, recordIds: [], task },
      { type: "UPDATED", model: "City", isAll: false, recordIds: ids.map(String), task },
      { type: "RELEASED", model: "City", isAll: true, recordIds: [], task },
    ]);
  });
});

describe("recordEvents", () => {
  let service: ServiceFixture;
  beforeAll(() => {
    service = serviceOn("postgres");
  });

  it("tells of single writes, and of those nested in them", async () => {
    const [cities, countries] = [await follow(service), await follow(service, { model: "Country" })];
    const languages = await follow(service, { model: "Language" });
    await service.data(`mutation {
        createCountry(data: {code: "DE", name: "Germany", continent: EUROPE, createLanguages: [{code: "de", name: "German"}], cities: {create: [
          {id: 40, name: "Bonn", population: 0, latitude: 0, longitude: 0}
        ]}}) { __typename ... on Error { message } }
        updateCity(id: "40", data: {name: "Berlin"}) { __typename }
        upsertCity(id: "41", create: {name: "Ulm", countryCode: "DE", population: 0, latitude: 0, longitude: 0}, update: {name: "Ulm"}) { __typename ... on Error { message } }
        refused: updateCity(id: "40", data: {countryCode: "XX"}) { __typename }
        deleteCity(id: "40") { __typename }
      }`);
    const base = { model: "City", isAll: false, task: null };
    expect(await countries.next()).toEqual({
      ...base,
      type: "CREATED",
      model: "Country",
      recordIds: ["DE"],
    });
    const created = { ...base, type: "CREATED", model: "Language", recordIds: ["de"] };
    expect(await languages.next()).toEqual(created);
    expect(await cities.until("DELETED")).toEqual([
      { ...base, type: "CREATED", recordIds: ["40"] },
      { ...base, type: "UPDATED", recordIds: ["40"] },
      { ...base, type: "CREATED", recordIds: ["41"] },
      { ...base, type: "DELETED", recordIds: ["40"] },
    ]);
  });

  it("tells of what the app's own tasks claim, when they are launched and while they run", async () => {
    const [cities, countries] = [
      await follow(service),
      await follow(service, { model: "Country", ids: ["FR"] }),
    ];
    const { launchRebuildCountryStatistics: launched } = await service.data(`mutation {
        launchRebuildCountryStatistics(input: {countryCode: "FR"}) { ... on TaskLaunched { task { id } } }
      }`);
    expect(await countries.until("RELEASED")).toEqual(
      ["LOCKED", "RELEASED"].map((type) => ({
        type,
        model: "Country",
        isAll: false,
        recordIds: ["FR"],
        task: launched.task,
      })),
    );
    expect((await cities.until("RELEASED")).map(({ type, task }) => [type, task])).toEqual(
      ["LOCKED", "RELEASED"].map((type) => [type, launched.task]),
    );
  });

  it("names no record to a viewer who may not see it, and deleted ones only to viewers of the same rows", async () => {
    await service.query("UPDATE city SET population = 1 WHERE id IN (1, 2)");
    await service.query(
      "INSERT INTO city (id, name, country_code, population, latitude, longitude) SELECT id + 100, name, country_code, population, 0, 0 FROM city WHERE id <= 2",
    );
    const [all, scoped] = [await follow(service), await follow(service, {}, SCOPED)];
    const write = (document: string, viewer?: Viewer) => service.data(`mutation { ${document} }`, {}, viewer);
    await write(`a: updateCity(id: "3", data: {notes: "hidden"}) { __typename }`);
    await write(`a: updateCity(id: "1", data: {notes: "shown"}) { __typename }`);
    // Admins take one out of the viewer's rows, and delete another.
    await write(`a: updateCity(id: "101", data: {population: 2}) { __typename }`);
    await write(`a: deleteCity(id: "101") { __typename }`);
    await write(`a: deleteCity(id: "102") { __typename }`, EQUAL);
    const names = async (reader: typeof all, count: number): Promise<string[]> => {
      const seen: string[] = [];
      while (seen.length < count) {
        const { type, recordIds } = await reader.next();
        seen.push(`${type} ${recordIds.join()}`);
      }
      return seen;
    };
    expect(await names(all, 5)).toEqual([
      "UPDATED 3",
      "UPDATED 1",
      "UPDATED 101",
      "DELETED 101",
      "DELETED 102",
    ]);
    expect(await names(scoped, 2)).toEqual(["UPDATED 1", "DELETED 102"]);
  });

  it("refuses ids that are none of the model", async () => {
    const refused = await subscribe({
      schema: service.api.schema,
      document: parse(EVENTS),
      variableValues: { model: "City", ids: ["x"] },
      contextValue: { viewer: ANONYMOUS },
    });
    expect(refused).toMatchObject({
      errors: [{ message: expect.stringContaining('"x" is not an id of City') as string }],
    });
  });

  it("tells of a gap when the connection to the bus was lost", async () => {
    const all = await follow(service);
    await service.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'powercrud events' AND datname = current_database()",
    );
    expect(await all.next()).toEqual({
      type: "GAP",
      model: "City",
      isAll: true,
      recordIds: [],
      task: null,
    });
  });
});
