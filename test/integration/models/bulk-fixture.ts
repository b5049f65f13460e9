import { graphql, parse, subscribe } from "graphql";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import demoConfig from "../../../powercrud.config.ts";
import type {
  ModelOptionsMap,
  PowerCrud,
  PowerCrudConfig,
  PowerCrudOptions,
  Viewer,
} from "../../../src/index.ts";
import { ANONYMOUS, createPowerCrud, createSilentLogger, defineConfig } from "../../../src/index.ts";
import type { PoolClient } from "pg";
import type { Logger } from "../../../src/kernel/logger.ts";
import type { Claim } from "../../../src/core/locks/claim.ts";
import type { Holder } from "../../support/hold-records.ts";
import { holdRecords } from "../../support/hold-records.ts";
import { withDeadline } from "../../support/deadline.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import type { Answer, GeneratedCode } from "./models-fixture.ts";

export interface BulkOverrides {
  /** Replaces the demo's models. */
  readonly generated?: GeneratedCode;
  readonly models?: ModelOptionsMap;
  readonly auth?: PowerCrudConfig["auth"];
  readonly tasks?: PowerCrudConfig["tasks"];
  /** Run on the migrated database, before the service starts. */
  readonly sql?: string;
  /** The worker's own model options, as of a separate process. Default: API and worker share a process. */
  readonly workerModels?: ModelOptionsMap;
  readonly settings?: PowerCrudOptions["settings"];
  /** Default: logs nothing. */
  readonly logger?: Logger;
}

/** API and worker on a database of their own. */
export interface BulkFixture {
  /** The API's process. */
  readonly powercrud: PowerCrud;
  readonly config: PowerCrudConfig;
  readonly databaseUrl: string;
  query(text: string, values?: readonly unknown[]): Promise<Answer[]>;
  /** The data of an operation that must succeed. */
  data(source: string, variables?: Record<string, unknown>, viewer?: Viewer): Promise<Answer>;
  /** What a subscription that must succeed sends. */
  subscribe(source: string, viewer?: Viewer): Promise<AsyncGenerator<Answer, void>>;
  /**
   * Launches a bulk mutation with the arguments as variables; by default in a worker.
   * @param types types of the arguments: `{data: "[TagBulkCreateInput!]!"}`
   * @returns the refusal, or else the settled task with its errors in order
   */
  run(
    mutation: string,
    args: Readonly<Record<string, readonly [type: string, value: unknown]>>,
    options?: object,
    viewer?: Viewer,
  ): Promise<Answer>;
  /** Makes a task that holds the records until it releases them. */
  hold(claims: readonly Claim[]): Promise<Holder>;
  /** A connection of the test's own. The caller must release it. */
  connect(): Promise<PoolClient>;
  stop(): Promise<void>;
}

const TASK = `id kind status message progress { total succeeded failed skipped }
  errors(first: 100) { totalCount nodes { recordId index outcome field code message } }`;

const RESULT = `__typename
  ... on TaskLaunched { task { id } }
  ... on Error { code message }
  ... on LimitError { limit matched }
  ... on ValidationError { problems { field code message } }`;

export async function createBulkFixture(overrides: BulkOverrides = {}): Promise<BulkFixture> {
  const database = await createTestDatabase();
  const pool = createPool({
    connectionString: database.url,
    applicationName: "test",
    logger: createSilentLogger(),
  });
  if (overrides.generated?.sql !== undefined) {
    await pool.query(overrides.generated.sql);
  }
  if (overrides.sql !== undefined) {
    await pool.query(overrides.sql);
  }
  const open = async (role: "start" | "serve" | "work", models = overrides.models): Promise<PowerCrud> => {
    const opened = await createPowerCrud({
      config: configOf(overrides, models),
      databaseUrl: database.url,
      role,
      ...(overrides.logger === undefined ? {} : { logger: overrides.logger }),
      settings: {
        workerConcurrency: 2,
        progressIntervalMs: 0,
        ...overrides.settings,
      },
    });
    await opened.start();
    return opened;
  };
  const powercrud = await open(overrides.workerModels === undefined ? "start" : "serve");
  const worker =
    overrides.workerModels === undefined ? undefined : await open("work", overrides.workerModels);
  const settle = async (taskId: string): Promise<void> => {
    for await (const task of powercrud.feed.watch(taskId)) {
      void task;
    }
  };
  const fixture: BulkFixture = {
    powercrud,
    config: configOf(overrides, overrides.models),
    databaseUrl: database.url,
    query: async (text, values) => (await pool.query(text, [...(values ?? [])])).rows,
    async data(source, variableValues = {}, viewer = ANONYMOUS) {
      const { data, errors } = await graphql({
        schema: powercrud.schema,
        source,
        variableValues,
        contextValue: { viewer },
      });
      if (errors !== undefined) {
        throw new Error(JSON.stringify(errors), { cause: errors[0]?.originalError });
      }
      return JSON.parse(JSON.stringify(data));
    },
    async subscribe(source, viewer = ANONYMOUS) {
      const { schema } = powercrud;
      const results = await subscribe({ schema, document: parse(source), contextValue: { viewer } });
      if (!(Symbol.asyncIterator in results)) {
        throw new Error(JSON.stringify(results.errors));
      }
      return results;
    },
    async run(mutation, args, options = {}, viewer = ANONYMOUS) {
      const names = Object.entries(args);
      const declared = names.map(([name, [type]]) => `$${name}: ${type}`).join(", ");
      const passed = names.map(([name]) => `${name}: $${name}`).join(", ");
      const { result } = await fixture.data(
        `mutation (${declared}, $options: BulkOptions) { result: ${mutation}(${passed}, options: $options) { ${RESULT} } }`,
        {
          ...Object.fromEntries(names.map(([name, [, value]]) => [name, value])),
          options: { mode: "ASYNC", ...options },
        },
        viewer,
      );
      if (result.__typename !== "TaskLaunched") {
        return result;
      }
      await withDeadline(settle(result.task.id), 30_000, `settling of task ${result.task.id}`);
      const { task } = await fixture.data(
        `query ($id: ID!) { task(id: $id) { ${TASK} } }`,
        result.task,
        viewer,
      );
      const { errors, ...fields } = task;
      // Chunks are written at the same time.
      return {
        ...fields,
        errors: errors.nodes.toSorted((a: Answer, b: Answer) => (a.index ?? 0) - (b.index ?? 0)),
      };
    },
    hold: (claims) => holdRecords(pool, claims, { isBegun: true }),
    connect: () => pool.connect(),
    async stop() {
      await worker?.stop();
      await powercrud.stop();
      await pool.end();
      await database.drop();
    },
  };
  return fixture;
}

function configOf(
  { generated, auth, tasks }: BulkOverrides,
  models: ModelOptionsMap | undefined,
): PowerCrudConfig {
  const own = { ...(auth === undefined ? {} : { auth }), ...(tasks === undefined ? {} : { tasks }) };
  if (generated !== undefined) {
    return defineConfig({ generated, models: models ?? {}, ...own });
  }
  return defineConfig({ ...demoConfig, ...(models === undefined ? {} : { models }), ...own });
}
