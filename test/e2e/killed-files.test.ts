import { request as openRequest } from "node:http";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { withDeadline } from "../support/deadline.ts";
import { createTestClient, type TestClient } from "../support/graphql-client.ts";
import { spawnPowerCrud, type ReadyProcess } from "../support/powercrud-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { createTestRedis, type TestRedis } from "../support/test-redis.ts";

const HEAD = "id,name,countryCode,population,latitude,longitude";
/** Above the ids of GeoNames. */
const FIRST_ID = 1_500_000_000;
const ROWS = 6000;
const TAG = "0195f8f0-0000-7000-8000-0000000000be";

const row = (at: number): string => `${FIRST_ID + at},City ${at},FR,${at},1,2`;
const rows = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => row(from + at));

/** Rows of the file that is written which cannot be: found when they are read, and refused by the database. */
const MISREAD = [7, 2500, 5999];
const REFUSED = [8, 3001, 5000];

interface State {
  readonly status: string;
  readonly message: string | null;
  readonly attempt: number;
  readonly progress: { readonly processed: number; readonly succeeded: number; readonly failed: number };
}

const STATE = `query ($id: ID!) { task(id: $id) { status message attempt progress { processed succeeded failed } } }`;
const WATCH = `subscription ($id: ID!) { taskProgress(id: $id) { status message attempt progress { processed succeeded failed } } }`;
const CREATE_IMPORT = `mutation ($input: CreateImportInput!, $options: BulkOptions) {
  createImport(input: $input, options: $options) { ... on TaskLaunched { task { id } } ... on Error { code message } } }`;
/** What is exported. */
const MANY = { name: { startsWith: "Many" } };
const EXPORT = `mutation { launchExport(
  input: { model: "City", format: CSV, where: { name: { startsWith: "Many" } }, fields: ["id", "notes"] }, options: { mode: ASYNC }) {
  ... on TaskLaunched { task { id } } ... on Error { code message } } }`;

/** Sends a body up to its last line, and leaves it open. */
function sendPart(url: string, lines: readonly string[]): void {
  const body = openRequest(url, { method: "PUT", headers: { "content-type": "text/csv" } });
  // The service is killed while it comes.
  body.on("error", () => undefined);
  body.write(`${lines.join("\n")}\n`);
}

function sendWhole(url: string, lines: readonly string[]): void {
  const body = openRequest(url, { method: "PUT", headers: { "content-type": "text/csv" } });
  body.on("error", () => undefined);
  body.end(lines.join("\n"));
}

/** Notes each row that is written, and makes chunks and parts of files wait from their middle on while somebody holds the lock. */
const PREPARE = `
INSERT INTO tag (id, label) VALUES ('${TAG}', 'hit');
CREATE TABLE written (id integer);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.id = ANY ('{${REFUSED.map((at) => FIRST_ID + at).join()}}'::integer[]) THEN
    RAISE 'this one is refused' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.id > ${FIRST_ID + ROWS / 2} THEN PERFORM pg_advisory_xact_lock_shared(42); END IF;
  INSERT INTO written VALUES (NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON city FOR EACH ROW WHEN (NEW.id >= ${FIRST_ID}) EXECUTE FUNCTION note();
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL;
END $$;
CREATE TRIGGER wait AFTER INSERT ON powercrud.task_file FOR EACH ROW WHEN (NEW.part > 2) EXECUTE FUNCTION wait();
INSERT INTO city (id, name, country_code, population, latitude, longitude, notes)
  SELECT ${FIRST_ID - 50_000} + i, 'Many ' || i, 'FR', 0, 0, 0, repeat('x', 3000) FROM generate_series(1, 2000) i;`;

describe.each(["postgres", "redis"])(
  "a service that is killed with -9 in the middle of files, on %s",
  (backend) => {
    let database: TestDatabase;
    let redis: TestRedis | undefined;
    let sql: pg.Client;
    let env: Record<string, string>;
    let first: ReadyProcess;
    let second: ReadyProcess;
    let client: TestClient;
    /** The tasks, by what the service was doing for them. */
    const ids = { receiving: "", checking: "", writing: "", exporting: "" };

    const start = async (): Promise<ReadyProcess> => {
      const started = await spawnPowerCrud(["start"], env);
      const [, address = ""] = await started.waitForLine(/^ready (http:\S+)$/, 120_000);
      return { ...started, address };
    };
    const createImport = async (at: TestClient, input: object, options: object = {}): Promise<string> => {
      const variables = { input: { model: "City", ...input }, options };
      const answer = await at.request<{ createImport: { task: { id: string } } }>(CREATE_IMPORT, variables);
      return answer.createImport.task.id;
    };
    /** @param condition on rows of a table; `$1` is the task */
    const untilTrue = (condition: string, task: string): Promise<void> =>
      vi.waitFor(
        async () => {
          const { rows: found } = await sql.query(`SELECT ${condition}`, [task]);
          expect([condition, ...found.map((each) => Object.values(each)[0])]).toEqual([condition, true]);
        },
        { timeout: 60_000, interval: 20 },
      );
    const stateOf = async (id: string): Promise<State> =>
      (await client.request<{ task: State }>(STATE, { id })).task;
    const settled = async (id: string): Promise<State> => {
      const watched = (async () => {
        let last: State | undefined;
        for await (const { taskProgress } of client.subscribe<{ taskProgress: State }>(WATCH, { id })) {
          last = taskProgress;
        }
        return last;
      })();
      await withDeadline(watched, 90_000, `the end of task ${id}`);
      return stateOf(id);
    };
    const fetchText = async ({ address }: ReadyProcess, path: string): Promise<readonly [number, string]> => {
      const response = await fetch(`${address}${path}`);
      return [response.status, await response.text()];
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
        POWERCRUD_LEASE_MS: "1500",
        POWERCRUD_CHUNK_RECORDS: "500",
        POWERCRUD_PROGRESS_INTERVAL_MS: "10",
        POWERCRUD_LOG_LEVEL: "error",
      };
      first = await start();
      sql = new pg.Client(database.url);
      await sql.connect();
      await sql.query(PREPARE);
      // Chunks and parts of files wait behind this from their middle on, and so does whoever looks tags up.
      await sql.query("SELECT pg_advisory_lock(42)");
      await sql.query("BEGIN; LOCK TABLE tag IN ACCESS EXCLUSIVE MODE");
    }, 240_000);

    afterAll(async () => {
      await client.close().catch(() => undefined);
      await sql.end();
      await redis?.drop();
    });

    it("is killed while it receives, checks, writes and exports one each", async () => {
      const own = createTestClient(first.address);

      const { launchExport } = await own.request<{ launchExport: { task: { id: string } } }>(EXPORT);
      ids.exporting = launchExport.task.id;
      ids.writing = await createImport(
        own,
        { operation: "UPSERT" },
        { errorPolicy: "SKIP_FAILED", mode: "ASYNC" },
      );
      const file = rows(0, ROWS).map((line, at) =>
        MISREAD.includes(at) ? line.replace(",1,2", ",north,2") : line,
      );
      const sent = await fetch(`${first.address}/imports/${ids.writing}`, {
        method: "PUT",
        headers: { "content-type": "text/csv" },
        body: [HEAD, ...file].join("\n"),
      });
      expect(sent.status).toBe(202);
      ids.receiving = await createImport(own, { operation: "CREATE" });
      sendPart(`${first.address}/imports/${ids.receiving}`, [HEAD, ...rows(20_000, ROWS)]);
      ids.checking = await createImport(own, { operation: "CREATE" });
      const lines = [`${HEAD},tags.label`, ...rows(30_000, 10).map((line) => `${line},hit`)];
      sendWhole(`${first.address}/imports/${ids.checking}`, lines);

      await untilTrue("count(*) > 2 FROM powercrud.task_file WHERE task_id = $1", ids.exporting);
      await untilTrue(
        "count(*) > 1 FROM powercrud.chunk WHERE task_id = $1 AND status = 'DONE'",
        ids.writing,
      );
      await untilTrue("rows > 0 FROM powercrud.import WHERE task_id = $1", ids.receiving);
      await untilTrue("receiver IS NOT NULL FROM powercrud.import WHERE task_id = $1", ids.checking);
      await untilTrue(
        "count(*) > 0 AND $1 <> '' FROM pg_locks WHERE NOT granted AND relation = 'tag'::regclass",
        ids.checking,
      );
      expect((await fetchText(first, `/tasks/${ids.exporting}/export.csv`))[1]).toContain("is not complete");
      first.kill("SIGKILL");
      await first.exited;
      await own.close().catch(() => undefined);
      await sql.query("ROLLBACK");
      await sql.query("SELECT pg_advisory_unlock(42)");
      second = await start();
      client = createTestClient(second.address);
    });

    it.each(["receiving", "checking"] as const)("leaves nothing of the file that it was %s", async (what) => {
      const id = ids[what];
      expect(await settled(id)).toMatchObject({
        status: "FAILED",
        message: expect.stringMatching(/nothing was changed/i),
        progress: { succeeded: 0 },
      });
      for (const table of ["import_rows", "chunk", "task_error"]) {
        await untilTrue(`count(*) = 0 FROM powercrud.${table} WHERE task_id = $1`, id);
      }
      const { rows: found } = await sql.query("SELECT count(*)::int AS n FROM city WHERE id >= $1", [
        FIRST_ID + 20_000,
      ]);
      expect(found).toEqual([{ n: 0 }]);
    });

    it("goes on with what it was writing: each row once, and those that failed come back", async () => {
      const id = ids.writing;
      const failed = [...MISREAD, ...REFUSED].toSorted((a, b) => a - b);
      expect(await settled(id)).toMatchObject({
        status: "PARTIAL",
        attempt: 2,
        progress: { processed: ROWS, succeeded: ROWS - failed.length, failed: failed.length },
      });
      const { rows: written } = await sql.query(
        `SELECT count(*)::int AS writes, count(DISTINCT w.id)::int AS rows,
              (count(*) FILTER (WHERE c.population = w.id - ${FIRST_ID}))::int AS exact
       FROM written w JOIN city c USING (id) WHERE w.id < ${FIRST_ID + ROWS}`,
      );
      const count = ROWS - failed.length;
      expect(written).toEqual([{ writes: count, rows: count, exact: count }]);
      const [, file] = await fetchText(second, `/tasks/${id}/failed.csv`);
      const back = file.trimEnd().split("\r\n").slice(1);
      expect(back.map((line) => Number(/,City (\d+),/.exec(line)?.[1]))).toEqual(failed);
      expect((await sql.query("SELECT FROM powercrud.lock")).rows).toEqual([]);
    });

    it("writes the file anew that it was exporting, and whole", async () => {
      expect(await settled(ids.exporting)).toMatchObject({ status: "SUCCEEDED", attempt: 2 });
      const [status, file] = await fetchText(second, `/tasks/${ids.exporting}/export.csv`);
      const where = encodeURIComponent(JSON.stringify(MANY));
      expect([status, file]).toEqual(
        await fetchText(second, `/exports/City.csv?fields=id,notes&where=${where}`),
      );
      expect(file.split("\r\n")).toHaveLength(2002);
    });
  },
);
