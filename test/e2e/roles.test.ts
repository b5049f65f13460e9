import { once } from "node:events";
import pg from "pg";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiKey } from "../../src/compose/manage-keys.ts";
import { completeConfig } from "../../src/config/config.ts";
import type { BackendName } from "../../src/core/processes/process-register.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { withDeadline } from "../support/deadline.ts";
import type { TestClient } from "../support/graphql-client.ts";
import { createTestClient } from "../support/graphql-client.ts";
import { runPowerCrud, startRole, type ReadyProcess } from "../support/powercrud-process.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { createTestRedis, type TestRedis } from "../support/test-redis.ts";

/** Too few records for helpers: one worker runs the task. */
const CITIES = 15_000;

const LAUNCH = /* GraphQL */ `
  mutation {
    bulkUpdateCities(
      selection: { where: {} }
      data: { population: { increment: 1 } }
      options: { errorPolicy: SKIP_FAILED, maxAffected: 200000 }
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
const CANCEL = /* GraphQL */ `
  mutation ($id: ID!) {
    cancelTask(id: $id) {
      __typename
    }
  }
`;
const PAUSE = /* GraphQL */ `
  mutation ($id: ID!) {
    pauseTask(id: $id) {
      __typename
    }
  }
`;
const RESUME = /* GraphQL */ `
  mutation ($id: ID!) {
    resumeTask(id: $id) {
      __typename
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

describe.each<BackendName>(["redis", "postgres"])("two APIs and two workers on %s", (backend) => {
  let database: TestDatabase;
  let redis: TestRedis;
  let sql: pg.Client;
  let workers: ReadyProcess[];
  let apis: ReadyProcess[];
  let env: Record<string, string>;
  let here: TestClient;
  let there: TestClient;

  beforeAll(async () => {
    database = await createTestDatabase({ isEmpty: true });
    redis = createTestRedis();
    env = {
      PORT: "0",
      DATABASE_URL: database.url,
      POWERCRUD_BACKEND: backend,
      POWERCRUD_REDIS_KEY_PREFIX: redis.keyPrefix,
      POWERCRUD_SEED_CITIES: String(CITIES),
      POWERCRUD_LEASE_MS: "3000",
      POWERCRUD_CHUNK_RECORDS: "500",
      POWERCRUD_PROGRESS_INTERVAL_MS: "10",
      POWERCRUD_LOG_LEVEL: "debug",
      ...(backend === "redis" ? { REDIS_URL: redis.url } : {}),
    };
    await runPowerCrud(["seed"], env);
    apis = await Promise.all([startRole("serve", env), startRole("serve", env)]);
    workers = await Promise.all([startRole("work", env), startRole("work", env)]);
    [here, there] = apis.map(({ address }) => createTestClient(address)) as [TestClient, TestClient];
    sql = new pg.Client(database.url);
    await sql.connect();
  }, 240_000);

  afterAll(async () => {
    await here.close();
    await there.close();
    await sql.end();
    await redis.drop();
  });

  async function launch(client: TestClient): Promise<string> {
    const answer = await client.request<{ bulkUpdateCities: { task: { id: string } } }>(LAUNCH);
    return answer.bulkUpdateCities.task.id;
  }

  /**
   * Follows a task to its end. Calls `onProgress` once, when part of the records is done, with the states that were seen: they
   * grow meanwhile.
   */
  async function follow(
    client: TestClient,
    id: string,
    onProgress?: (states: readonly State[]) => Promise<void>,
  ): Promise<State[]> {
    const states: State[] = [];
    let telling: Promise<void> | undefined;
    let fail: (error: unknown) => void = () => undefined;
    const failed = new Promise<never>((_resolve, reject) => (fail = reject));
    const reading = async (): Promise<void> => {
      for await (const { taskProgress } of client.subscribe<{ taskProgress: State }>(WATCH, { id })) {
        states.push(taskProgress);
        if (taskProgress.status === "RUNNING" && taskProgress.progress.processed > 0) {
          telling ??= onProgress?.(states);
          telling?.catch(fail);
        }
      }
    };
    await withDeadline(Promise.race([reading(), failed]), 60_000, "the end of the task");
    await telling;
    return states;
  }

  /** Locks cities in a transaction of the test's, so that a worker waits at their chunks until they are released. */
  async function holdCities(count: number): Promise<void> {
    await sql.query("BEGIN");
    await sql.query("SELECT FROM city ORDER BY id DESC LIMIT $1 FOR UPDATE", [count]);
  }

  async function populations(): Promise<ReadonlyMap<number, number>> {
    const { rows } = await sql.query<{ id: number; population: number }>("SELECT id, population FROM city");
    return new Map(rows.map(({ id, population }) => [id, population]));
  }

  /** The cities that were not incremented exactly once since. */
  async function changedWrongly(before: ReadonlyMap<number, number>): Promise<readonly unknown[]> {
    return [...(await populations())].filter(([id, population]) => population !== (before.get(id) ?? 0) + 1);
  }

  async function statusOf(taskId: string): Promise<string | undefined> {
    const { rows } = await sql.query<{ status: string }>("SELECT status FROM powercrud.task WHERE id = $1", [
      taskId,
    ]);
    return rows[0]?.status;
  }

  async function workerOf(taskId: string): Promise<string> {
    const { rows } = await sql.query<{ id: string }>(
      "SELECT worker_id AS id FROM powercrud.attempt WHERE task_id = $1 ORDER BY number DESC LIMIT 1",
      [taskId],
    );
    return rows[0]?.id ?? "";
  }

  async function countLocks(): Promise<number> {
    const { recordLocks } = await here.request<{ recordLocks: unknown[] }>(
      '{ recordLocks(model: City, ids: ["2988507", "3143244"]) { recordId } }',
    );
    return recordLocks.length;
  }

  it("runs a task of one API in a worker, and shows its progress at the other API", async () => {
    const id = await launch(here);
    const states = await follow(there, id);
    expect(states.at(-1)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: CITIES } });
    expect(states.some(({ progress }) => progress.processed > 0 && progress.processed < CITIES)).toBe(true);
    expect(workers.map(({ address }) => address)).toContain(await workerOf(id));
    expect(await countLocks()).toBe(0);
  });

  it("closes what is open at an API with a key that the command line revokes", async () => {
    const settings = { backend, redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix };
    const deployed = {
      databaseUrl: database.url,
      config: completeConfig(settings),
      logger: createSilentLogger(),
    };
    const request = { name: "robot", viewer: { id: "robot" }, scopes: ["read"] } as const;
    const made = await createApiKey(deployed, request);
    const address = `${apis[1]?.address.replace(/^http/, "ws")}/graphql`;
    const socket = new WebSocket(address, "graphql-transport-ws");
    await once(socket, "open");
    const payload = { authorization: `Bearer ${made?.text}` };
    socket.send(JSON.stringify({ type: "connection_init", payload }));
    await withDeadline(once(socket, "message"), 60_000, "the acknowledgement");
    const closed = once(socket, "close");
    await runPowerCrud(["keys", "revoke", "robot"], env);
    const [code, reason] = (await withDeadline(closed, 60_000, "its end")) as [number, Buffer];
    expect([code, JSON.parse(reason.toString())]).toMatchObject([
      4403,
      { errors: [{ extensions: { code: "UNAUTHENTICATED" } }] },
    ]);
  });

  it("cancels a worker's task at an API", async () => {
    await holdCities(CITIES - 2000);
    const id = await launch(here);
    const states = await follow(here, id, async () => {
      expect(await there.request(CANCEL, { id })).toEqual({ cancelTask: { __typename: "CancelAccepted" } });
      await sql.query("ROLLBACK");
    });
    expect(states.at(-1)?.status).toBe("CANCELLED");
    expect(states.at(-1)?.progress.processed).toBeLessThan(CITIES);
    expect(await countLocks()).toBe(0);
  });

  it("pauses a worker's task at an API, and resumes it at the other; each record is written once", async () => {
    const before = await populations();
    await holdCities(CITIES - 2000);
    const id = await launch(here);
    let hasPaused = false;
    const states = await follow(here, id, async (seen) => {
      expect(await there.request(PAUSE, { id })).toEqual({ pauseTask: { __typename: "PauseAccepted" } });
      await sql.query("ROLLBACK");
      await expect.poll(() => seen.at(-1)?.status).toBe("PAUSED");
      hasPaused = true;
      expect(await here.request(RESUME, { id })).toEqual({ resumeTask: { __typename: "ResumeAccepted" } });
    });
    expect(hasPaused).toBe(true);
    expect(states.map(({ status }) => status)).toContain("PAUSED");
    expect(states.at(-1)).toMatchObject({ status: "SUCCEEDED", attempt: 2, progress: { succeeded: CITIES } });
    expect(await changedWrongly(before)).toEqual([]);
  });

  it("hands the task of a stopping worker over to the other, and writes each record once", async () => {
    const before = await populations();
    await holdCities(1);
    const id = await launch(here);
    let stopped: ReadyProcess | undefined;
    const states = await follow(there, id, async () => {
      const name = await workerOf(id);
      stopped = workers.find(({ address }) => address === name);
      stopped?.kill("SIGTERM");
      await stopped?.waitForLine(/"msg":"stopping"/);
      await sql.query("ROLLBACK");
    });
    expect(await withDeadline(stopped!.exited, 20_000, "the worker's end")).toEqual({
      code: 0,
      signal: null,
    });
    expect(states.at(-1)).toMatchObject({
      status: "SUCCEEDED",
      attempt: 2,
      progress: { succeeded: CITIES, total: CITIES },
    });
    expect(await workerOf(id)).not.toBe(stopped!.address);
    // So it does not count among the attempts that a task may have.
    const { rows } = await sql.query("SELECT hand_overs FROM powercrud.task WHERE id = $1", [id]);
    expect(rows).toEqual([{ hand_overs: 1 }]);
    expect(await changedWrongly(before)).toEqual([]);
    expect(await countLocks()).toBe(0);
  });

  // The sweeper reads rows, on either backend.
  const kills = backend === "postgres" ? (["SIGKILL"] as const) : [];
  it.each(kills)("pauses a task whose worker gets a %s before it stopped", async (signal) => {
    const before = await populations();
    await holdCities(CITIES - 2000);
    const id = await launch(here);
    const states = await follow(there, id, async () => {
      await here.request(PAUSE, { id });
      const name = await workerOf(id);
      const killed = workers.find(({ address }) => address === name);
      killed?.kill(signal);
      await killed?.exited;
      await sql.query("ROLLBACK");
      await expect.poll(() => statusOf(id)).toBe("PAUSED");
      workers = [...workers.filter((worker) => worker !== killed), await startRole("work", env)];
      await here.request(RESUME, { id });
    });
    expect(states.at(-1)).toMatchObject({
      status: "SUCCEEDED",
      attempt: 2,
      progress: { succeeded: CITIES },
    });
    expect(await changedWrongly(before)).toEqual([]);
  });

  it("ends with 0 on a signal, and is forgotten by the others", async () => {
    const { rows } = await sql.query<{ role: string }>("SELECT role FROM powercrud.process ORDER BY role");
    expect(rows.map(({ role }) => role)).toEqual(["serve", "serve", "work"]);
    const all = [...apis, ...workers];
    for (const process of all) {
      process.kill("SIGTERM");
    }
    for (const process of all) {
      expect(await withDeadline(process.exited, 20_000, "a clean stop")).toEqual({ code: 0, signal: null });
    }
    expect((await sql.query("SELECT FROM powercrud.process")).rowCount).toBe(0);
  });
});
