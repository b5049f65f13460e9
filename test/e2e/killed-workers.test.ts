import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withDeadline } from "../support/deadline.ts";
import { createTestClient, type TestClient } from "../support/graphql-client.ts";
import { spawnPowerCrud, type PowerCrudProcess } from "../support/powercrud-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { createTestRedis, type TestRedis } from "../support/test-redis.ts";

const COUNT = 10_000;
/** Above the ids of GeoNames. */
const FIRST_ID = 1_500_000_000;
const TAG = "0195f8f0-0000-7000-8000-0000000000be";
/** A worker is killed each time that this many more records are written, until no first one is left. */
const KILL_EVERY = 2000;
const WORKERS = 2;

const OPTIONS = `{ errorPolicy: SKIP_FAILED, mode: ASYNC, maxAffected: 1000000 }`;
const ANSWER = `{ ... on TaskLaunched { task { id } } ... on Error { code message } }`;
const WATCH = `subscription ($id: ID!) { taskProgress(id: $id) {
  status attempt progress { processed succeeded failed skipped } } }`;

interface State {
  readonly status: string;
  readonly attempt: number;
  readonly progress: {
    readonly processed: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly skipped: number;
  };
}

/** One operation on 10,000 cities, and the expected table after it. */
interface Operation {
  readonly name: string;
  /** The number of cities that exist before. */
  readonly before: number;
  readonly mutation: string;
  readonly variables: () => Record<string, unknown>;
  /** Counts the wrong records. */
  readonly wrong: string;
  readonly after: number;
}

const numbers = Array.from({ length: COUNT }, (_, at) => at);
const cityOf = (at: number): Record<string, unknown> => ({
  id: FIRST_ID + at,
  name: `City ${at}`,
  countryCode: "FR",
  population: at,
  latitude: 1,
  longitude: 2,
});
const SELECTION = `selection: { where: { id: { gte: ${FIRST_ID} } } }`;

const OPERATIONS: readonly Operation[] = [
  {
    name: "create, with a link each",
    before: 0,
    mutation: `mutation ($data: [CityBulkCreateInput!]!) { launch: bulkCreateCities(data: $data, options: ${OPTIONS}) ${ANSWER} }`,
    variables: () => ({ data: numbers.map((at) => ({ ...cityOf(at), tags: [TAG] })) }),
    wrong: `population <> id - ${FIRST_ID} OR NOT EXISTS (SELECT FROM "_CityToTag" l WHERE l."A" = city.id)`,
    after: COUNT,
  },
  {
    name: "update, an increment with a link",
    before: COUNT,
    mutation: `mutation { launch: bulkUpdateCities(${SELECTION}, data: { population: { increment: 7 }, tags: { add: ["${TAG}"] } }, options: ${OPTIONS}) ${ANSWER} }`,
    variables: () => ({}),
    wrong: `population <> 7 OR NOT EXISTS (SELECT FROM "_CityToTag" l WHERE l."A" = city.id)`,
    after: COUNT,
  },
  {
    name: "update each",
    before: COUNT,
    mutation: `mutation ($records: [CityUpdateEachInput!]!) { launch: bulkUpdateEachCities(records: $records, options: ${OPTIONS}) ${ANSWER} }`,
    variables: () => ({
      records: numbers.map((at) => ({ id: String(FIRST_ID + at), data: { population: 2 * at } })),
    }),
    wrong: `population <> 2 * (id - ${FIRST_ID})`,
    after: COUNT,
  },
  {
    name: "upsert, half of them new",
    before: COUNT / 2,
    mutation: `mutation ($records: [CityUpsertInput!]!) { launch: bulkUpsertCities(records: $records, options: ${OPTIONS}) ${ANSWER} }`,
    variables: () => ({
      records: numbers.map((at) => ({
        id: String(FIRST_ID + at),
        create: cityOf(at),
        update: { population: 3 * at },
      })),
    }),
    wrong: `population <> CASE WHEN id < ${FIRST_ID + COUNT / 2} THEN 3 ELSE 1 END * (id - ${FIRST_ID})`,
    after: COUNT,
  },
  {
    name: "delete",
    before: COUNT,
    mutation: `mutation { launch: bulkDeleteCities(${SELECTION}, options: ${OPTIONS}) ${ANSWER} }`,
    variables: () => ({}),
    wrong: "true",
    after: 0,
  },
];

/** Records are written by the same statements on either backend: one operation proves that Redis delivers again. */
const RUNS = [
  { backend: "postgres", operations: OPERATIONS },
  { backend: "redis", operations: OPERATIONS.filter(({ name }) => name.startsWith("update, an increment")) },
] as const;

describe.each(RUNS)(
  "workers that are killed with -9 again and again, on $backend",
  ({ backend, operations }) => {
    let database: TestDatabase;
    let redis: TestRedis | undefined;
    let sql: pg.Client;
    let client: TestClient;
    let env: Record<string, string>;
    const workers: PowerCrudProcess[] = [];

    const startWorker = async (): Promise<void> => {
      const worker = await spawnPowerCrud(["work"], env);
      workers.push(worker);
      await worker.waitForLine(/^ready worker/);
    };

    beforeAll(async () => {
      database = await createTestDatabase({ isEmpty: true });
      redis = backend === "redis" ? createTestRedis() : undefined;
      env = {
        PORT: "0",
        DATABASE_URL: database.url,
        POWERCRUD_BACKEND: backend,
        ...(redis === undefined ? {} : { REDIS_URL: redis.url, POWERCRUD_REDIS_KEY_PREFIX: redis.keyPrefix }),
        POWERCRUD_SEED_CITIES: "10",
        // setting: POWERCRUD_LEASE_MS
        POWERCRUD_LEASE_MS: "1000",
        POWERCRUD_CHUNK_RECORDS: "100",
        POWERCRUD_PROGRESS_INTERVAL_MS: "10",
        POWERCRUD_LOG_LEVEL: "error",
      };
      await (
        await spawnPowerCrud(["seed"], env)
      ).exited;
      sql = new pg.Client(database.url);
      await sql.connect();
      await sql.query("INSERT INTO tag (id, label) VALUES ($1, 'hit')", [TAG]);
      // Makes chunks slow enough to be killed in.
      await sql.query(`
      CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$;
      CREATE TRIGGER dawdle AFTER INSERT OR UPDATE OR DELETE ON city FOR EACH STATEMENT EXECUTE FUNCTION dawdle()`);
      const api = await spawnPowerCrud(["serve"], env);
      const [, url = ""] = await api.waitForLine(/^ready (http:\S+)$/);
      client = createTestClient(url);
      await Promise.all(Array.from({ length: WORKERS }, startWorker));
    }, 120_000);

    afterAll(async () => {
      await client.close().catch(() => undefined);
      await sql.end();
      await redis?.drop();
    });

    /** Each time the task has made a step of progress, kills the oldest worker and starts another one. */
    const killAlong = async (id: string): Promise<{ last: State; kills: number }> => {
      const replacements: Promise<void>[] = [];
      let last: State | undefined;
      for await (const { taskProgress } of client.subscribe<{ taskProgress: State }>(WATCH, { id })) {
        last = taskProgress;
        const kills = replacements.length;
        if (kills < WORKERS && taskProgress.progress.processed >= (kills + 1) * KILL_EVERY) {
          const victim = workers.shift();
          victim?.kill("SIGKILL");
          await victim?.exited;
          replacements.push(startWorker());
        }
      }
      await Promise.all(replacements);
      if (last === undefined) {
        throw new Error("the task was never seen");
      }
      return { last, kills: replacements.length };
    };

    it.each(operations)(
      "leave $name exact",
      async ({ before, mutation, variables, wrong, after }) => {
        await sql.query("DELETE FROM city WHERE id >= $1", [FIRST_ID]);
        await sql.query(
          `INSERT INTO city (id, name, country_code, population, latitude, longitude, updated_at)
         SELECT $1::int + at, 'City ' || at, 'FR', 0, 1, 2, now() FROM generate_series(0, $2::int - 1) AS at`,
          [FIRST_ID, before],
        );
        const { launch } = await client.request<{ launch: { task: { id: string } } }>(mutation, variables());
        const { last, kills } = await withDeadline(killAlong(launch.task.id), 90_000, "the task's end");
        expect(kills).toBeGreaterThan(0);
        expect(last).toMatchObject({
          status: "SUCCEEDED",
          progress: { processed: COUNT, succeeded: COUNT, failed: 0, skipped: 0 },
        });
        const { rows } = await sql.query(
          `SELECT count(*)::int AS cities, (count(*) FILTER (WHERE ${wrong}))::int AS wrong FROM city WHERE id >= $1`,
          [FIRST_ID],
        );
        expect(rows).toEqual([{ cities: after, wrong: 0 }]);
        const left = await sql.query(
          `SELECT (SELECT count(*) FROM powercrud.lock)::int AS locks,
                (SELECT count(*) FROM powercrud.chunk WHERE task_id = $1 AND status <> 'DONE')::int AS chunks`,
          [launch.task.id],
        );
        expect(left.rows).toEqual([{ locks: 0, chunks: 0 }]);
      },
      120_000,
    );
  },
);
