import { insertCities } from "../../support/insert-cities.ts";
import { graphql, parse, subscribe } from "graphql";
import demoConfig from "../../../powercrud.config.ts";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import type { PowerCrud, PowerCrudConfig, PowerCrudOptions, Viewer } from "../../../src/index.ts";
import { ANONYMOUS, createPowerCrud, createSilentLogger, defineConfig } from "../../../src/index.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import { createTestRedis } from "../../support/test-redis.ts";

/** The data of an operation. Its shape is that of the test's own document. */
// oxlint-disable-next-line typescript/no-explicit-any -- spelling out the shape of every document would hide what the tests say
export type Answer = any;

/** What a test says of notifications, and the settings that it changes. */
export interface NotifyOverrides {
  readonly config?: Partial<PowerCrudConfig>;
  readonly settings?: PowerCrudOptions["settings"];
  readonly role?: PowerCrudOptions["role"];
}

/** The demo on a real database, with any number of processes. */
export interface NotifyFixture {
  readonly databaseUrl: string;
  /** Starts a process of the deployment, which `stop` stops. */
  start(overrides?: NotifyOverrides): Promise<PowerCrud>;
  query(text: string, values?: readonly unknown[]): Promise<Answer[]>;
  stop(): Promise<void>;
}

/** 12 cities in one country. */
export async function createNotifyFixture({ isRedis = false } = {}): Promise<NotifyFixture> {
  const database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({ connectionString: database.url, applicationName: "test", logger });
  const redis = isRedis ? createTestRedis() : undefined;
  await insertCities(pool, 12);
  const started: PowerCrud[] = [];
  return {
    databaseUrl: database.url,
    async start({ config = {}, settings = {}, role = "start" } = {}) {
      const powercrud = await createPowerCrud({
        config: defineConfig({ ...demoConfig, ...config }),
        databaseUrl: database.url,
        role,
        settings: {
          workerConcurrency: 2,
          leaseMs: 2000,
          ...(redis === undefined ? {} : { redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix }),
          ...settings,
        },
      });
      started.push(powercrud);
      await powercrud.start();
      return powercrud;
    },
    query: async (text, values) => (await pool.query(text, [...(values ?? [])])).rows,
    async stop() {
      for (const powercrud of started.toReversed()) {
        await powercrud.stop();
      }
      await redis?.drop();
      await pool.end();
      await database.drop();
    },
  };
}

/** The data of an operation that must succeed. */
export async function dataOf(
  { schema }: PowerCrud,
  source: string,
  variableValues: Record<string, unknown> = {},
  viewer: Viewer = ANONYMOUS,
): Promise<Answer> {
  const { data, errors } = await graphql({ schema, source, variableValues, contextValue: { viewer } });
  if (errors !== undefined) {
    throw new Error(JSON.stringify(errors), { cause: errors[0]?.originalError });
  }
  return JSON.parse(JSON.stringify(data));
}

/** The operation's results as they come. */
export async function subscriptionOf(
  { schema }: PowerCrud,
  source: string,
  viewer: Viewer = ANONYMOUS,
): Promise<AsyncIterableIterator<Answer>> {
  const results = await subscribe({ schema, document: parse(source), contextValue: { viewer } });
  if (!(Symbol.asyncIterator in results)) {
    throw new Error(JSON.stringify(results.errors), { cause: results.errors?.[0] });
  }
  return results as AsyncIterableIterator<Answer>;
}

const NOTE = `mutation ($ids: [ID!]!, $options: BulkOptions) {
  bulkUpdateCities(selection: {ids: $ids}, data: {notes: {set: "x"}}, options: $options) {
    __typename
    ... on TaskLaunched { task { id status statusPageUrl } }
    ... on Error { code message }
    ... on ValidationError { problems { field message } }
  }
}`;

/** Changes cities in the request. @returns the mutation's result */
export async function noteCities(
  powercrud: PowerCrud,
  options: Record<string, unknown>,
  viewer: Viewer = ANONYMOUS,
  ids: readonly string[] = ["1", "2"],
): Promise<Answer> {
  return (await dataOf(powercrud, NOTE, { ids, options: { mode: "SYNC", ...options } }, viewer))
    .bulkUpdateCities;
}
