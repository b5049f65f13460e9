import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRedisTaskQueue } from "../../src/adapters/bullmq/create-redis-task-queue.ts";
import type { RedisConnection } from "../../src/adapters/redis/redis-connection.ts";
import { createFailFastRedis, createPatientRedis } from "../../src/adapters/redis/redis-connection.ts";
import type { QueuedTask, TaskQueue } from "../../src/core/tasks/task-queue.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { withDeadline } from "../support/deadline.ts";
import { freePort } from "../support/free-port.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { untilEvent } from "../support/until-event.ts";
import { createManualWork } from "./manual-work.ts";
import type { TcpProxy } from "./tcp-proxy.ts";
import { createTcpProxy } from "./tcp-proxy.ts";

const UNAVAILABLE = { name: "AppError", code: "UNAVAILABLE", cause: expect.anything() };
const task = (id: string): QueuedTask => ({ id, attempt: 0 });

interface OpenQueue {
  readonly queue: TaskQueue;
  readonly producer: RedisConnection;
  /** The stop functions of the started consumers. */
  readonly consumers: readonly RedisConnection[];
  close(): Promise<void>;
}

function openQueue(url: string, answerTimeoutMs?: number): OpenQueue {
  const logger = createSilentLogger();
  const patience = answerTimeoutMs === undefined ? {} : { answerTimeoutMs };
  const producer = createFailFastRedis({ url, name: "producer", logger, ...patience });
  const consumers: RedisConnection[] = [];
  const queue = createRedisTaskQueue({
    producer,
    openConsumer() {
      const consumer = createPatientRedis({ url, name: "consumer", logger });
      consumers.push(consumer);
      return consumer;
    },
    keyPrefix: "test:",
    logger,
  });
  return {
    queue,
    producer,
    consumers,
    async close() {
      await queue.close();
      producer.close();
    },
  };
}

describe("task queue: redis, out of reach", () => {
  it("refuses at once where no server listens", async () => {
    const { queue, close } = openQueue(`redis://:secret@127.0.0.1:${await freePort()}`);
    try {
      const error: unknown = await withDeadline(
        queue.enqueue([task("a")]).catch((reason: unknown) => reason),
        2_500,
        "a refusal",
      );
      expect(error).toMatchObject(UNAVAILABLE);
      await expect(queue.enqueue([task("a")])).rejects.toMatchObject(UNAVAILABLE);
    } finally {
      await withDeadline(close(), 5_000, "closing");
    }
  });

  it("starts and stops a consumer where no server listens", async () => {
    const { queue, close } = openQueue(`redis://127.0.0.1:${await freePort()}`);
    const consumer = queue.consume({ concurrency: 2, work: async () => undefined });
    await expect(withDeadline(consumer.start(), 2_500, "the start")).resolves.toBeUndefined();
    await expect(withDeadline(consumer.stop(), 2_500, "the stop")).resolves.toBeUndefined();
    await withDeadline(close(), 5_000, "closing");
  });
});

describe("task queue: redis, lost and found", () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let open: OpenQueue;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    proxy = await createTcpProxy(server.url);
    open = openQueue(proxy.url, 500);
  });
  afterEach(async () => {
    await withDeadline(open.close(), 10_000, "closing");
    await proxy.close();
  });

  it("refuses while Redis is down, and resumes on both ends after its restart", async () => {
    const manual = createManualWork();
    manual.endAll();
    await open.queue.consume({ concurrency: 2, work: manual.work }).start();
    await open.queue.enqueue([task("before")]);
    await manual.untilStarted(1);
    await server.halt();
    await expect(
      withDeadline(open.queue.enqueue([task("during")]), 2_500, "a refusal"),
    ).rejects.toMatchObject(UNAVAILABLE);
    const back = untilEvent(open.producer.client, "ready");
    await server.revive();
    await back;
    await open.queue.enqueue([task("after")]);
    expect(await manual.untilStarted(2)).toEqual([task("before"), task("after")]);
  });

  it("refuses when Redis stops answering", async () => {
    await open.queue.enqueue([task("before")]);
    proxy.freeze();
    await expect(
      withDeadline(open.queue.enqueue([task("during")]), 3_000, "a refusal"),
    ).rejects.toMatchObject(UNAVAILABLE);
    // The dead connection is closed by now, so there is no second wait.
    await expect(withDeadline(open.queue.enqueue([task("during")]), 400, "a refusal")).rejects.toMatchObject(
      UNAVAILABLE,
    );
    const back = untilEvent(open.producer.client, "ready");
    proxy.thaw();
    await back;
    await open.queue.enqueue([task("after")]);
  });

  it("waits only for running work when it is stopped while Redis is down", async () => {
    const manual = createManualWork();
    const consumer = open.queue.consume({ concurrency: 1, work: manual.work });
    await consumer.start();
    await open.queue.enqueue([task("held")]);
    await manual.untilStarted(1);
    const lost = Promise.all(open.consumers.map(({ client }) => untilEvent(client, "close")));
    await server.halt();
    await lost;
    const order: string[] = [];
    const stopped = consumer.stop().then(() => order.push("stopped"));
    // Starting a server takes long enough for a stop that does not wait.
    await server.revive();
    order.push("ended");
    manual.endAll();
    await withDeadline(stopped, 5_000, "the stop");
    expect(order).toEqual(["ended", "stopped"]);
  });

  it("keeps all of its keys under the prefix and one hash tag", async () => {
    await open.queue.enqueue([task("a"), task("b")]);
    const redis = new Redis(server.url);
    try {
      const keys = await redis.keys("*");
      expect(keys.length).toBeGreaterThan(2);
      expect(keys.filter((key) => !key.startsWith("test:{queue}:"))).toEqual([]);
    } finally {
      redis.disconnect();
    }
  });
});
