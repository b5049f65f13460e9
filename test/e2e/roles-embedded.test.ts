import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withDeadline } from "../support/deadline.ts";
import { createTestClient } from "../support/graphql-client.ts";
import {
  runPowerCrud,
  spawnPowerCrud,
  startRole,
  type PowerCrudProcess,
} from "../support/powercrud-process.ts";
import { createTestDatabase } from "../support/test-database.ts";

const LAUNCH = /* GraphQL */ `
  mutation {
    bulkUpdateCities(
      selection: { where: {} }
      data: { population: { increment: 1 } }
      options: { mode: ASYNC, maxAffected: 500 }
    ) {
      ... on TaskLaunched {
        task {
          id
        }
      }
    }
  }
`;
const WATCH = /* GraphQL */ `
  subscription ($id: ID!) {
    taskProgress(id: $id) {
      status
    }
  }
`;

async function untilStopped(process: PowerCrudProcess): Promise<void> {
  process.kill("SIGTERM");
  expect(await withDeadline(process.exited, 20_000, "a clean stop")).toEqual({ code: 0, signal: null });
}

test("an API and a worker share the embedded PostgreSQL; the last to leave stops it", async () => {
  const first = await runPowerCrud(["migrate"], { POWERCRUD_LOG_LEVEL: "silent" });
  const env = {
    PORT: "0",
    POWERCRUD_DATA_DIR: first.dataDir,
    POWERCRUD_SEED_CITIES: "200",
    POWERCRUD_LOG_LEVEL: "silent",
  };
  const server = join(first.dataDir, "postgres/data/postmaster.pid");
  await runPowerCrud(["seed"], env);
  const [api, worker] = await Promise.all([startRole("serve", env), startRole("work", env)]);
  const client = createTestClient(api.address);
  const { bulkUpdateCities } = await client.request<{ bulkUpdateCities: { task: { id: string } } }>(LAUNCH);
  const states: string[] = [];
  const watching = async (): Promise<void> => {
    const { id } = bulkUpdateCities.task;
    for await (const { taskProgress } of client.subscribe<{ taskProgress: { status: string } }>(WATCH, {
      id,
    })) {
      states.push(taskProgress.status);
    }
  };
  await withDeadline(watching(), 30_000, "the end of the task");
  expect(states.at(-1)).toBe("SUCCEEDED");
  await client.close();
  // The doctor looks at the running server, and starts none beside it.
  const running = await readFile(server, "utf8");
  const { answer } = await runPowerCrud(["doctor"], env);
  expect(answer.at(-1)).toBe("healthy");
  expect(await readFile(server, "utf8")).toBe(running);
  await untilStopped(api);
  expect(existsSync(server)).toBe(true);
  await untilStopped(worker);
  expect(existsSync(server)).toBe(false);
  expect(worker.lines).toEqual([`ready worker ${worker.address}`]);
});

test.each(["serve", "work"])(
  "%s refuses a database that is not migrated, and names the command to run",
  async (role) => {
    const database = await createTestDatabase({ isEmpty: true });
    // setting: DATABASE_URL
    const env = { PORT: "0", DATABASE_URL: database.url, POWERCRUD_LOG_LEVEL: "silent" };
    const process = await spawnPowerCrud([role], env);
    expect(await withDeadline(process.exited, 60_000, "the refusal")).toEqual({ code: 1, signal: null });
    expect(process.lines).toEqual([
      expect.stringMatching(
        /^powercrud: the database lacks migrations: \d+_engine, .*\d+_init.*; run: npx powercrud migrate$/,
      ),
    ]);
  },
);
