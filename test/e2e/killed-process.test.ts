import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { withDeadline } from "../support/deadline.ts";
import { createTestClient } from "../support/graphql-client.ts";
import { runPowerCrud, spawnPowerCrud } from "../support/powercrud-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

const LAUNCH = /* GraphQL */ `
  mutation ($errorPolicy: ErrorPolicy!) {
    bulkUpdateCities(
      selection: { where: {} }
      data: { population: { increment: 1 } }
      options: { errorPolicy: $errorPolicy, maxAffected: 200000 }
    ) {
      ... on TaskLaunched {
        task {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;
const WATCH = /* GraphQL */ `
  subscription ($id: ID!) {
    taskProgress(id: $id) {
      status
      attempt
      progress {
        processed
        total
        succeeded
      }
    }
  }
`;

interface State {
  readonly status: string;
  readonly attempt: number;
  readonly progress: { readonly processed: number; readonly total: number; readonly succeeded: number };
}

let database: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase({ isEmpty: true });
  env = {
    PORT: "0",
    DATABASE_URL: database.url,
    POWERCRUD_SEED_CITIES: "100000",
    POWERCRUD_LEASE_MS: "1500",
    POWERCRUD_CHUNK_RECORDS: "2000",
    POWERCRUD_PROGRESS_INTERVAL_MS: "10",
  };
  await runPowerCrud(["seed"], env);
}, 240_000);

describe.each(["SKIP_FAILED", "ALL_OR_NOTHING"])(
  "kill -9 in the middle of an increment of 100,000 records, %s",
  (errorPolicy) => {
    it("loses no record, repeats none, and leaves no lock", async () => {
      const first = await spawnPowerCrud(["start"], env);
      const [, firstUrl = ""] = await first.waitForLine(/^ready (http:\S+)$/);
      const sql = new pg.Client(database.url);
      await sql.connect();
      await sql.query("DROP TABLE IF EXISTS before; CREATE TABLE before AS SELECT id, population FROM city");
      // The task waits for its last record, so it cannot be over before the kill.
      await sql.query("BEGIN");
      await sql.query("SELECT FROM city ORDER BY id DESC LIMIT 1 FOR UPDATE");

      const client = createTestClient(firstUrl);
      const { bulkUpdateCities } = await client.request<{ bulkUpdateCities: { task: { id: string } } }>(
        LAUNCH,
        { errorPolicy },
      );
      const { id } = bulkUpdateCities.task;
      const killed = (async () => {
        for await (const { taskProgress } of client.subscribe<{ taskProgress: State }>(WATCH, { id })) {
          if (taskProgress.progress.processed >= 20_000) {
            first.kill("SIGKILL");
            return taskProgress.progress.processed;
          }
        }
        throw new Error("the task was over before the process could be killed");
      })();
      expect(await withDeadline(killed, 60_000, "the kill")).toBeLessThan(100_000);
      await first.exited;
      await sql.query("ROLLBACK");
      await client.close().catch(() => undefined);

      const second = await spawnPowerCrud(["start"], env);
      const [, secondUrl = ""] = await second.waitForLine(/^ready (http:\S+)$/);
      const survivor = createTestClient(secondUrl);
      const states: State[] = [];
      const watched = (async () => {
        for await (const { taskProgress } of survivor.subscribe<{ taskProgress: State }>(WATCH, { id })) {
          states.push(taskProgress);
        }
      })();
      await withDeadline(watched, 60_000, "the task's end after the restart");
      expect(states.at(-1)).toMatchObject({
        status: "SUCCEEDED",
        attempt: 2,
        progress: { succeeded: 100_000, total: 100_000 },
      });
      const wrong = await sql.query(
        "SELECT count(*)::int AS n FROM city JOIN before USING (id) WHERE city.population <> before.population + 1",
      );
      expect(wrong.rows).toEqual([{ n: 0 }]);
      expect((await sql.query("SELECT count(*)::int AS n FROM powercrud.lock")).rows).toEqual([{ n: 0 }]);
      await survivor.close();
      await sql.end();
      second.kill("SIGTERM");
      expect(await withDeadline(second.exited, 15_000, "a clean stop")).toEqual({ code: 0, signal: null });
    });
  },
);
