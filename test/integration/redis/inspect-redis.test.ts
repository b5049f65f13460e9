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
    const inspection = await inspectRedis(connection);
    return { inspection, problems: redisProblems(inspection) };
  } finally {
    connection.close();
  }
}

/** What is found on a server with such settings. */
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
  it("has nothing against a server that keeps what it is given", async () => {
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
    });
    expect(problems).toEqual([]);
  });

  it("refuses a server that drops keys, also one that hides its settings", async () => {
    const { problems } = await reportOnServer(
      { appendonly: "yes", "maxmemory-policy": "allkeys-lru" },
      { prepare: (call) => call("ACL", "SETUSER", "default", "-config") },
    );
    expect(problems).toEqual([
      {
        severity: "error",
        message:
          "Redis drops keys when its memory is full (maxmemory-policy allkeys-lru), and with them locks and queued " +
          "tasks: maxmemory-policy noeviction is needed",
      },
    ]);
  });

  it("warns of a server that forgets everything when it restarts", async () => {
    const { problems } = await reportOnServer({});
    expect(problems).toEqual([
      {
        severity: "warning",
        message:
          "Redis keeps no append-only file: after a restart, locks and queue have to be built anew from the database, " +
          "and launches are refused or wait until they are; appendonly yes is better",
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

  it("refuses an address with a database that is not there", async () => {
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
    expect(inspection).toEqual({ isReachable: false, reason: `connect ECONNREFUSED 127.0.0.1:${port}` });
    expect(problems).toEqual([
      { severity: "error", message: `Redis cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}` },
    ]);
  });

  it("says that the password is wrong, without it", async () => {
    const server = await startRedisServer({ requirepass: "right" });
    try {
      const url = new URL(server.url);
      url.password = "secret";
      const { problems } = await reportOn(url.href);
      expect(problems).toEqual([
        {
          severity: "error",
          message: expect.stringMatching(/^Redis cannot be reached: WRONGPASS (?!.*secret)/),
        },
      ]);
    } finally {
      await server.stop();
    }
  });
});
