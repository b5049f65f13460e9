import { insertCities } from "../../support/insert-cities.ts";
import { graphql } from "graphql";
import type { PoolClient } from "pg";
import { createPool } from "../../../src/adapters/postgres/connection/create-pool.ts";
import demoConfig from "../../../powercrud.config.ts";
import type { ModelOptionsMap, PowerCrud, PowerCrudOptions, Task, Viewer } from "../../../src/index.ts";
import { ANONYMOUS, createPowerCrud, createSilentLogger, defineConfig } from "../../../src/index.ts";
import { lastState } from "../../support/engine-fixture.ts";
import { withDeadline } from "../../support/deadline.ts";
import { createTestDatabase } from "../../support/test-database.ts";

/** The data of an operation. Its shape is that of the test's own document. */
// oxlint-disable-next-line typescript/no-explicit-any -- spelling out the shape of every document would hide what the tests say
export type Answer = any;

/** The demo's API and its worker on a real database, wired as if they were two processes. */
export interface ServiceFixture {
  readonly databaseUrl: string;
  /** Serves; never runs a task from the queue. */
  readonly api: PowerCrud;
  /** Until then tasks stay in the queue. */
  startWorker(): Promise<void>;
  query(text: string, values?: readonly unknown[]): Promise<Answer[]>;
  /** The data of an operation that must succeed. */
  data(source: string, variables?: Record<string, unknown>, viewer?: Viewer): Promise<Answer>;
  /** The first error of an operation that must fail. */
  refused(source: string): Promise<{ readonly message: string; readonly code: unknown }>;
  /** Launches a change of the cities' notes in a worker. @returns the mutation's result */
  note(
    ids: readonly number[],
    notes: string,
    options?: Record<string, unknown>,
    viewer?: Viewer,
  ): Promise<Answer>;
  /** Launches as `note` does. @returns the task's id @throws when it is refused */
  launched(ids: readonly number[], notes: string, options?: Record<string, unknown>): Promise<string>;
  /** The notes of all cities, by id. */
  notes(): Promise<Record<string, string | null>>;
  /** Locks rows in a transaction of the test's, so that a task on them waits. @returns releases them */
  holdRows(ids: readonly number[]): Promise<() => Promise<void>>;
  settled(taskId: string): Promise<Task>;
  stop(): Promise<void>;
}

/**
 * With 12 cities and no tags. A launch on more than 8 records takes the whole model.
 * @param settings beside those of the fixture
 */
export async function createServiceFixture(
  models: ModelOptionsMap = demoConfig.models ?? {},
  settings: PowerCrudOptions["settings"] = {},
): Promise<ServiceFixture> {
  const database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({ connectionString: database.url, applicationName: "test", logger });
  const options: PowerCrudOptions = {
    config: defineConfig({ ...demoConfig, models }),
    databaseUrl: database.url,
    settings: {
      workerConcurrency: 2,
      progressIntervalMs: 0,
      lockEscalationRecords: 8,
      chunkRecords: 2,
      ...settings,
    },
  };
  const api = await createPowerCrud({ ...options, role: "serve" });
  await insertCities(pool, 12);
  await api.start();
  let worker: PowerCrud | undefined;
  const holders = new Set<PoolClient>();
  const execute = (
    source: string,
    variableValues: Record<string, unknown> = {},
    viewer: Viewer = ANONYMOUS,
  ): Promise<Answer> => graphql({ schema: api.schema, source, variableValues, contextValue: { viewer } });
  const fixture: ServiceFixture = {
    databaseUrl: database.url,
    api,
    async startWorker() {
      worker = await createPowerCrud({ ...options, role: "work" });
      await worker.start();
    },
    query: async (text, values) => (await pool.query(text, [...(values ?? [])])).rows,
    async data(source, variables, viewer) {
      const { data, errors } = await execute(source, variables, viewer);
      if (errors !== undefined) {
        throw new Error(JSON.stringify(errors), { cause: errors[0].originalError });
      }
      return JSON.parse(JSON.stringify(data));
    },
    async refused(source) {
      const { errors } = await execute(source);
      if (errors === undefined) {
        throw new Error("the operation was not refused");
      }
      return { message: errors[0].message, code: errors[0].extensions.code };
    },
    note: async (ids, notes, launchOptions = {}, viewer = ANONYMOUS) =>
      (
        await fixture.data(
          NOTE_CITIES,
          { ids: ids.map(String), notes, options: { mode: "ASYNC", ...launchOptions } },
          viewer,
        )
      ).bulkUpdateCities,
    async launched(ids, notes, launchOptions) {
      const result = await fixture.note(ids, notes, launchOptions);
      if (result.__typename !== "TaskLaunched") {
        throw new Error(`the launch was refused: ${result.message}`);
      }
      return result.task.id;
    },
    async notes() {
      const rows = await fixture.query("SELECT id, notes FROM city ORDER BY id");
      return Object.fromEntries(rows.map(({ id, notes }) => [id, notes]));
    },
    async holdRows(ids) {
      const holder = await pool.connect();
      holders.add(holder);
      await holder.query("BEGIN");
      await holder.query("SELECT FROM city WHERE id = ANY($1) FOR UPDATE", [ids]);
      return async () => {
        holders.delete(holder);
        await holder.query("ROLLBACK");
        holder.release();
      };
    },
    settled: (taskId) => withDeadline(lastState(api.feed, taskId), 20_000, `settling of task ${taskId}`),
    async stop() {
      // A failed test may have left locked rows, for which the workers would wait.
      holders.forEach((holder) => holder.release(true));
      await worker?.stop();
      await api.stop();
      await pool.end();
      await database.drop();
    },
  };
  return fixture;
}

const NOTE_CITIES = `mutation ($ids: [ID!]!, $notes: String!, $options: BulkOptions) {
  bulkUpdateCities(selection: {ids: $ids}, data: {notes: {set: $notes}}, options: $options) {
    __typename
    ... on TaskLaunched { task { id status canCancel blockedBy { id status } } }
    ... on Error { code message }
    ... on ConflictError {
      totalConflicts
      conflicts { model recordId heldBy { id status kind createdBy createdAt progress { total processed percent } } }
    }
  }
}`;
