import { describe, expect, it } from "vitest";
import type { RedisInspection, RedisProblem } from "../../../src/adapters/redis/inspect-redis.ts";
import { inspectRedis, redisProblems } from "../../../src/adapters/redis/inspect-redis.ts";
import { createFailFastRedis } from "../../../src/adapters/redis/redis-connection.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { freePort } from "../../support/free-port.ts";
import { startRedisServer } from "../../support/redis-server.ts";

interface Report {
  readonly inspection: RedisInspection;
  readonly problems: readonly RedisProblem[];
}

async function reportOn(
  url: string,
  prepare?: (call: (...parts: string[]) => Promise<unknown>) => Promise<unknown>,
): Promise<Report> {
  const connection = createFailFastRedis({ url, name: "doctor", logger: createSilentLogger() });
  try {
    if (prepare !== undefined) {
      await connection.ready();
      await prepare((command = "", ...parts) => connection.client.call(command, ...parts));
    }
    const inspection = await inspectRedis(connection, "test:");
    return { inspection, problems: redisProblems(inspection) };
  } finally {
    connection.close();
  }
}

/** The report on a server with these settings. */
async function reportOnServer(
  settings: Record<string, string>,
  { path = "", prepare }: { path?: string; prepare?: Parameters<typeof reportOn>[1] } = {},
): Promise<Report> {
  const server = await startRedisServer(settings);
  try {
    return await reportOn(`${server.url}${path}`, prepare);
  } finally {
    await server.stop();
  }
}

describe("inspectRedis", () => {
  it("accepts a server that keeps its data", async () => {
    const { inspection, problems } = await reportOnServer(
      { appendonly: "yes", maxmemory: "50mb" },
      { path: "/15" },
    );
    expect(inspection).toEqual({
      isReachable: true,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      role: "master",
      maxmemoryPolicy: "noeviction",
      maxmemory: 50 * 1024 * 1024,
      isAppendOnly: true,
      isDatabaseMissing: false,
      usedMemory: expect.any(Number),
      refusal: null,
    });
    expect(problems).toEqual([]);
  });

  it("refuses a server that drops keys, even if it hides its settings", async () => {
    const { problems } = await reportOnServer(
      { appendonly: "yes", "maxmemory-policy": "allkeys-lru" },
      { prepare: (call) => call("ACL", "SETUSER", "default", "-config") },
    );
    expect(problems).toEqual([
      {
        severity: "error",
        message:
          "Redis drops keys when its memory is full (maxmemory-policy allkeys-lru), and with them queued tasks: " +
          "maxmemory-policy noeviction is needed",
      },
    ]);
  });

  it("warns of a server that loses everything at a restart", async () => {
    const { problems } = await reportOnServer({});
    expect(problems).toEqual([
      {
        severity: "warning",
        message:
          "Redis keeps no append-only file: after a restart its queue is empty, and tasks begin late, when the sweeper " +
          "has enqueued them again; appendonly yes is better",
      },
    ]);
  });

  it("refuses a replica", async () => {
    const { problems } = await reportOnServer(
      { appendonly: "yes" },
      { prepare: async (call) => call("REPLICAOF", "127.0.0.1", String(await freePort())) },
    );
    expect(problems).toEqual([
      {
        severity: "error",
        message: "Redis is a replica (role slave): the address of its master is needed",
      },
    ]);
  });

  it("refuses an address with a database that does not exist", async () => {
    const { problems } = await reportOnServer({ appendonly: "yes" }, { path: "/99" });
    expect(problems).toEqual([
      {
        severity: "error",
        message:
          "Redis does not have the database number of the address: a smaller number, or more databases, are needed",
      },
    ]);
  });

  it("says why a server cannot be reached, without its password", async () => {
    const port = await freePort();
    const { inspection, problems } = await reportOn(`redis://:secret@127.0.0.1:${port}`);
    expect(inspection).toEqual({
      isReachable: false,
      isAnswering: false,
      message: "Redis cannot be reached.",
      reason: `connect ECONNREFUSED 127.0.0.1:${port}`,
    });
    expect(problems).toEqual([
      { severity: "error", message: `Redis cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}` },
    ]);
  });

  it("reports a wrong password without showing it", async () => {
    const server = await startRedisServer({ requirepass: "right" });
    try {
      const url = new URL(server.url);
      url.password = "secret";
      const { problems } = await reportOn(url.href);
      expect(problems).toEqual([
        {
          severity: "error",
          message: expect.stringMatching(
            /^Redis does not accept the user or password: WRONGPASS (?!.*secret)/,
          ),
        },
      ]);
    } finally {
      await server.stop();
    }
  });

  it.each<[string, string[], string]>([
    ["no memory left", ["CONFIG", "SET", "maxmemory", "1"], "Redis refuses writes: its memory is full"],
    [
      "too few replicas",
      ["CONFIG", "SET", "min-replicas-to-write", "1"],
      "Redis refuses writes: it has too few replicas",
    ],
    [
      "a user that may not run scripts",
      ["ACL", "SETUSER", "default", "-evalsha"],
      "Redis does not permit its user what this service needs",
    ],
    [
      "a user of other keys",
      ["ACL", "SETUSER", "default", "resetkeys", "~other:*"],
      "Redis does not permit its user what this service needs",
    ],
  ])("refuses a server with %s, though it answers", async (_what, command, message) => {
    const { problems } = await reportOnServer({ appendonly: "yes" }, { prepare: (call) => call(...command) });
    expect(problems[0]).toEqual({ severity: "error", message });
  });

  it("distinguishes a server with too many clients from a missing one", async () => {
    const server = await startRedisServer({ maxclients: "1" });
    const first = createFailFastRedis({ url: server.url, name: "first", logger: createSilentLogger() });
    try {
      await first.ready();
      expect((await reportOn(server.url)).inspection).toMatchObject({
        isReachable: false,
        isAnswering: true,
        message: "Redis takes no more connections.",
      });
    } finally {
      first.close();
      await server.stop();
    }
  });

  it("leaves only a key that expires", async () => {
    const server = await startRedisServer({ appendonly: "yes" });
    const onlooker = createFailFastRedis({ url: server.url, name: "onlooker", logger: createSilentLogger() });
    try {
      await onlooker.ready();
      await reportOn(server.url);
      expect(await onlooker.client.keys("*")).toEqual(["test:probe"]);
      expect(await onlooker.client.pttl("test:probe")).toBeGreaterThan(0);
    } finally {
      onlooker.close();
      await server.stop();
    }
  });
});
