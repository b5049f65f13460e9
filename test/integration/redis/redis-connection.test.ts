import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRedisTaskQueue } from "../../../src/adapters/bullmq/create-redis-task-queue.ts";
import type {
  RedisConnection,
  RedisConnectionOptions,
} from "../../../src/adapters/redis/redis-connection.ts";
import { createFailFastRedis, createPatientRedis } from "../../../src/adapters/redis/redis-connection.ts";
import { createRedisEventBus } from "../../../src/adapters/redis/redis-event-bus.ts";
import { toRedisUnavailable } from "../../../src/adapters/redis/redis-unavailable.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import type { TcpProxy } from "../../contract/tcp-proxy.ts";
import { createTcpProxy } from "../../contract/tcp-proxy.ts";
import { withDeadline } from "../../support/deadline.ts";
import { freePort } from "../../support/free-port.ts";
import { createLogBook } from "../../support/log-book.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { untilEvent } from "../../support/until-event.ts";

const UNAVAILABLE = { name: "AppError", code: "UNAVAILABLE", cause: expect.anything() };

/** The connections that a test opens are closed after it. */
const open: RedisConnection[] = [];
afterEach(() => open.splice(0).forEach((connection) => connection.close()));
const failFast = (url: string, options: Partial<RedisConnectionOptions> = {}): RedisConnection => {
  const connection = createFailFastRedis({ url, name: "test", logger: createSilentLogger(), ...options });
  open.push(connection);
  return connection;
};
const patient = (url: string): RedisConnection => {
  const connection = createPatientRedis({ url, name: "test", logger: createSilentLogger() });
  open.push(connection);
  return connection;
};
/** The error of a command. */
const failureOf = (command: Promise<unknown>): Promise<unknown> =>
  withDeadline(
    command.then(
      () => "it did not fail",
      (error: unknown) => toRedisUnavailable(error),
    ),
    5_000,
    "the command's failure",
  );

describe("a Redis connection's address", () => {
  it("may hold a user, a password and a database", async () => {
    const server = await startRedisServer();
    try {
      const password = "p@ss:wörd/?#%";
      await failFast(server.url).ready();
      await open[0]?.client.call("ACL", "SETUSER", "ann", "on", `>${password}`, "+@all", "~*");
      const url = new URL(`${server.url}/5`);
      [url.username, url.password] = ["ann", encodeURIComponent(password)];
      const { client, ready } = failFast(url.href);
      await ready();
      expect(await client.call("ACL", "WHOAMI")).toBe("ann");
      expect(await client.client("INFO")).toMatch(/ name=powercrud-test .* db=5 /);
    } finally {
      await server.stop();
    }
  });

  it("uses TLS with rediss, and sends the server's name for its certificate", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const heard = once(server, "connection").then(async ([socket]) => {
      const [data] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      return data;
    });
    failFast(`rediss://localhost:${(server.address() as AddressInfo).port}`);
    const hello = await withDeadline(heard, 10_000, "a handshake");
    server.close();
    // The first byte of a TLS handshake, which has the name in plain text.
    expect(hello[0]).toBe(0x16);
    expect(hello.includes("localhost")).toBe(true);
  });

  it.each(["http://secret@localhost", "secret", ""])("is refused as %j, without repeating it", (url) => {
    const attempt = (): unknown => failFast(url);
    expect(attempt).toThrow(
      expect.objectContaining({
        code: "INVALID_CONFIG",
        message: "the address of Redis has to begin with redis:// or rediss://",
      }),
    );
  });
});

describe("a Redis connection", () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    proxy = await createTcpProxy(server.url);
  });
  afterEach(() => proxy.close());

  it("fails at once if there is no server, even the first time", async () => {
    const { ready } = failFast(`redis://127.0.0.1:${await freePort()}`);
    // An answer of the server would be waited for longer than that.
    await expect(withDeadline(ready(), 2_500, "the first answer")).rejects.toMatchObject(UNAVAILABLE);
    await expect(withDeadline(ready(), 1_000, "the second answer")).rejects.toMatchObject(UNAVAILABLE);
  });

  it("gives up on a server that accepts connections and never answers", async () => {
    proxy.freeze();
    const { ready, client } = failFast(proxy.url, { answerTimeoutMs: 200 });
    await expect(withDeadline(ready(), 2_000, "the answer")).rejects.toMatchObject(UNAVAILABLE);
    const back = untilEvent(client, "ready");
    proxy.thaw();
    await back;
    await expect(ready()).resolves.toBeUndefined();
  });

  it("fails a command at once if its connection breaks, and never sends it again", async () => {
    const { ready, client } = failFast(proxy.url);
    const direct = failFast(server.url);
    await Promise.all([ready(), direct.ready()]);
    const blocked = failureOf(client.blpop("list", 0));
    // An answer to the next command proves nothing here: the read blocks it. The server's own list does.
    await withDeadline(
      (async () => {
        while (!String(await direct.client.client("LIST")).includes("cmd=blpop"));
      })(),
      10_000,
      "the blocking read",
    );
    const back = untilEvent(client, "ready");
    proxy.cut();
    expect(await blocked).toMatchObject(UNAVAILABLE);
    expect(await failureOf(client.get("x"))).toMatchObject(UNAVAILABLE);
    await back;
    await direct.client.rpush("list", "kept");
    expect(await client.llen("list")).toBe(1);
  });

  it("fails a command that gets no answer, even on a connection that receives messages", async () => {
    const { ready, client } = failFast(proxy.url, { answerTimeoutMs: 200 });
    const direct = failFast(server.url);
    await Promise.all([ready(), direct.ready()]);
    await client.subscribe("chatter");
    const over = new AbortController();
    const failure = failureOf(client.blpop("nothing", 0)).finally(() => over.abort());
    while (!over.signal.aborted) {
      await direct.client.publish("chatter", "on and on");
    }
    expect(await failure).toMatchObject({ ...UNAVAILABLE, cause: { message: "Command timed out" } });
  });

  it("keeps the commands of a patient connection until the server is back", async () => {
    const { client } = patient(proxy.url);
    await client.set("patience", "1");
    const lost = untilEvent(client, "close");
    await server.halt();
    await lost;
    const waiting = client.incr("patience");
    for (let tries = 0; tries < 3; tries += 1) {
      await untilEvent(client, "reconnecting");
    }
    await server.revive();
    expect(await withDeadline(waiting, 10_000, "the command")).toBe(1);
  });

  it("logs each outage once, and its end once", async () => {
    const logger = createLogBook();
    const { client, ready } = failFast(server.url, { logger });
    await ready();
    for (const _outage of ["first", "second"]) {
      await server.halt();
      for (let tries = 0; tries < 4; tries += 1) {
        await untilEvent(client, "reconnecting");
      }
      const back = untilEvent(client, "ready");
      await server.revive();
      await back;
    }
    const { host } = new URL(server.url);
    const lost = {
      level: "warn",
      fields: { redis: host, connection: "test", reason: expect.any(String) },
      message: "Redis cannot be reached; the client keeps trying to connect",
    };
    const found = {
      level: "info",
      fields: { redis: host, connection: "test" },
      message: "Redis can be reached again",
    };
    expect(logger.lines).toEqual([lost, found, lost, found]);
  });

  it("logs nothing when it is closed on purpose, and stays closed", async () => {
    const logger = createLogBook();
    const connection = failFast(server.url, { logger });
    await connection.ready();
    const ended = untilEvent(connection.client, "end");
    connection.close();
    connection.close();
    await ended;
    await expect(connection.ready()).rejects.toMatchObject(UNAVAILABLE);
    expect(logger.lines).toEqual([]);
  });

  it("never shows the password in errors and logs", async () => {
    const guarded = await startRedisServer({ requirepass: "right" });
    const logger = createLogBook();
    const url = new URL(guarded.url);
    url.password = "secret";
    const connection = failFast(url.href, { logger });
    const bus = createRedisEventBus({
      publisher: connection,
      url: url.href,
      keyPrefix: "",
      logger,
      answerTimeoutMs: 200,
    });
    const consumers: RedisConnection[] = [];
    const queue = createRedisTaskQueue({
      producer: connection,
      openConsumer() {
        consumers.push(createPatientRedis({ url: url.href, name: "consumer", logger }));
        return consumers[0] as RedisConnection;
      },
      keyPrefix: "",
      logger,
    });
    try {
      await queue.consume({ concurrency: 1, work: async () => undefined }).start();
      const errors = await Promise.all([
        failureOf(connection.ready()),
        failureOf(connection.client.get("x")),
        failureOf(bus.publish("topic", 1)),
        failureOf(bus.subscribe("topic", { onMessage: () => undefined, onGap: () => undefined })),
        failureOf(queue.enqueue([{ id: "a", attempt: 0 }])),
      ]);
      await untilEvent(consumers[0]?.client ?? connection.client, "reconnecting");
      expect(errors.map((error) => (error as { code?: unknown }).code)).toEqual(
        errors.map(() => "UNAVAILABLE"),
      );
      expect(logger.lines.some(({ fields }) => inspect(fields).includes("WRONGPASS"))).toBe(true);
      expect(logger.lines.some(({ message }) => message.includes("consumer"))).toBe(true);
      expect(inspect([errors, logger.lines], { depth: 20 })).not.toContain("secret");
    } finally {
      await queue.close();
      await bus.close();
      await guarded.stop();
    }
  });
});

describe("a Redis server that cannot serve", () => {
  it.each<[string, Record<string, string>, readonly string[][], readonly string[]]>([
    ["its memory is full", { maxmemory: "1" }, [], ["SET", "a", "b"]],
    [
      "its memory is full for scripts",
      { maxmemory: "1" },
      [],
      ["EVAL", "return redis.call('set','a','b')", "0"],
    ],
    ["it is a replica", {}, [["REPLICAOF", "127.0.0.1", "1"]], ["SET", "a", "b"]],
    [
      "it lost its master",
      { "replica-serve-stale-data": "no" },
      [["REPLICAOF", "127.0.0.1", "1"]],
      ["GET", "a"],
    ],
  ])("is UNAVAILABLE when %s", async (_name, settings, preparations, [command = "", ...parts]) => {
    const server = await startRedisServer(settings);
    try {
      const { client, ready } = failFast(server.url);
      await ready();
      for (const [first = "", ...rest] of preparations) {
        await client.call(first, ...rest);
      }
      expect(await failureOf(client.call(command, ...parts))).toMatchObject(UNAVAILABLE);
    } finally {
      await server.stop();
    }
  });
});
