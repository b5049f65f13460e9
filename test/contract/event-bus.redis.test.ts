import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RedisConnection } from "../../src/adapters/redis/redis-connection.ts";
import { createFailFastRedis } from "../../src/adapters/redis/redis-connection.ts";
import type { RedisEventBusOptions } from "../../src/adapters/redis/redis-event-bus.ts";
import { createRedisEventBus } from "../../src/adapters/redis/redis-event-bus.ts";
import type { BusSubscriber, EventBus } from "../../src/core/events/event-bus.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { withDeadline } from "../support/deadline.ts";
import { createManualClock } from "../support/manual-clock.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { untilEvent } from "../support/until-event.ts";
import { createRecorder, newTopic } from "./event-bus-recorder.ts";
import type { TcpProxy } from "./tcp-proxy.ts";
import { createTcpProxy } from "./tcp-proxy.ts";

const UNAVAILABLE = { name: "AppError", code: "UNAVAILABLE", cause: expect.anything() };
const logger = createSilentLogger();

describe("event bus: redis, connection lost", () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let publisher: RedisConnection;
  const open: EventBus[] = [];
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    proxy = await createTcpProxy(server.url);
    publisher = createFailFastRedis({ url: server.url, name: "publisher", logger });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((bus) => bus.close()));
    publisher.close();
    await proxy.close();
  });
  /** Publishes directly, and listens through the proxy. */
  const openBus = (options: Partial<RedisEventBusOptions> = {}): EventBus => {
    const bus = createRedisEventBus({ publisher, url: proxy.url, keyPrefix: "test:", logger, ...options });
    open.push(bus);
    return bus;
  };

  it("reports a gap to all subscribers once it is subscribed again, and then delivers", async () => {
    const bus = openBus();
    const [topic, other, first, second] = [newTopic(), newTopic(), createRecorder(), createRecorder()];
    // A message that is published within onGap must arrive.
    const prompt: BusSubscriber = {
      onMessage: () => undefined,
      onGap: () => void Promise.all([bus.publish(topic, "after"), bus.publish(other, "after")]),
    };
    await bus.subscribe(topic, first);
    await bus.subscribe(other, second);
    await bus.subscribe(topic, prompt);
    await bus.publish(topic, "before");
    await first.untilMessages(1);
    expect(first.gapCount()).toBe(0);
    proxy.cut();
    await Promise.all([first.untilGap(), second.untilGap()]);
    expect(await first.untilMessages(2)).toEqual(["before", "after"]);
    expect(await second.untilMessages(1)).toEqual(["after"]);
  });

  it("notices a server that vanished silently, and listens again as soon as there is one", async () => {
    const clock = createManualClock();
    let noticeLoss = (): void => undefined;
    const lost = new Promise<void>((resolve) => (noticeLoss = resolve));
    const bus = openBus({ clock, answerTimeoutMs: 200, logger: { ...logger, warn: () => noticeLoss() } });
    const [topic, recorder] = [newTopic(), createRecorder()];
    await bus.subscribe(topic, recorder);
    proxy.freeze();
    clock.advance(5_000);
    await withDeadline(lost, 10_000, "noticing the loss");
    proxy.thaw();
    await recorder.untilGap();
    await bus.publish(topic, "after");
    expect(await recorder.untilMessages(1)).toEqual(["after"]);
  });

  it("never stops trying to reconnect", async () => {
    const bus = openBus({ answerTimeoutMs: 100 });
    const [topic, recorder] = [newTopic(), createRecorder()];
    await bus.subscribe(topic, recorder);
    proxy.freeze();
    proxy.cut();
    await proxy.untilConnections(3);
    proxy.thaw();
    await recorder.untilGap();
    await bus.publish(topic, "after");
    expect(await recorder.untilMessages(1)).toEqual(["after"]);
  });

  it("refuses to subscribe while no server answers, and subscribes as soon as one does", async () => {
    const bus = openBus({ answerTimeoutMs: 200 });
    const [topic, first, second] = [newTopic(), createRecorder(), createRecorder()];
    await bus.subscribe(topic, first);
    proxy.freeze();
    await expect(bus.subscribe(topic, createRecorder())).rejects.toMatchObject(UNAVAILABLE);
    await expect(bus.subscribe(newTopic(), createRecorder())).rejects.toMatchObject(UNAVAILABLE);
    proxy.thaw();
    await first.untilGap();
    await bus.subscribe(topic, second);
    await bus.publish(topic, "after");
    expect(await first.untilMessages(1)).toEqual(["after"]);
    expect(await second.untilMessages(1)).toEqual(["after"]);
  });

  it("refuses to publish at once while Redis is down, and publishes again after its restart", async () => {
    const bus = openBus();
    const [topic, recorder] = [newTopic(), createRecorder()];
    await bus.subscribe(topic, recorder);
    await bus.publish(topic, "before");
    const lost = untilEvent(publisher.client, "close");
    await server.halt();
    await lost;
    for (const refused of ["one", "two"]) {
      await expect(withDeadline(bus.publish(topic, refused), 1_000, "a refusal")).rejects.toMatchObject(
        UNAVAILABLE,
      );
    }
    const back = untilEvent(publisher.client, "ready");
    await server.revive();
    await Promise.all([back, recorder.untilGap()]);
    await bus.publish(topic, "after");
    expect(await recorder.untilMessages(2)).toEqual(["before", "after"]);
  });

  it("logs that the server refuses a subscription, and does not end the process", async () => {
    await publisher.ready();
    await publisher.client.call("ACL", "SETUSER", "deaf", "on", ">secret", "+@all", "~*", "resetchannels");
    const url = new URL(server.url);
    [url.username, url.password] = ["deaf", "secret"];
    const bus = openBus({ url: url.href });
    await expect(bus.subscribe(newTopic(), createRecorder())).rejects.toThrow(
      "Redis does not permit its user",
    );
  });
});

describe("event bus: redis, shared", () => {
  let server: RedisServer;
  let publisher: RedisConnection;
  beforeAll(async () => {
    server = await startRedisServer();
    publisher = createFailFastRedis({ url: server.url, name: "publisher", logger });
  });
  afterAll(async () => {
    publisher.close();
    await server.stop();
  });

  it("receives nothing from a bus with another prefix, in the same database or another", async () => {
    const buses = ["one:", "two:"].map((keyPrefix) =>
      createRedisEventBus({ publisher, url: `${server.url}/3`, keyPrefix, logger }),
    ) as [EventBus, EventBus];
    try {
      const [topic, first, second] = [newTopic(), createRecorder(), createRecorder()];
      await buses[0].subscribe(topic, first);
      await buses[1].subscribe(topic, second);
      await buses[0].publish(topic, 1);
      await buses[1].publish(topic, 2);
      expect(await first.untilMessages(1)).toEqual([1]);
      expect(await second.untilMessages(1)).toEqual([2]);
    } finally {
      await Promise.all(buses.map((bus) => bus.close()));
    }
  });

  it("accepts messages before its connection is open", async () => {
    const early = createFailFastRedis({ url: server.url, name: "early", logger });
    const bus = createRedisEventBus({ publisher: early, url: server.url, keyPrefix: "test:", logger });
    try {
      await expect(bus.publish(newTopic(), 1)).resolves.toBeUndefined();
    } finally {
      await bus.close();
      early.close();
    }
  });

  it("ignores messages that are not the bus's", async () => {
    const bus = createRedisEventBus({ publisher, url: server.url, keyPrefix: "test:", logger });
    try {
      const [topic, recorder] = [newTopic(), createRecorder()];
      await bus.subscribe(topic, recorder);
      await publisher.client.publish(`test:${topic}`, "no json");
      await publisher.client.publish(`test:${topic}`, "");
      await bus.publish(topic, 1);
      expect(await recorder.untilMessages(1)).toEqual([1]);
    } finally {
      await bus.close();
    }
  });

  it("closes its connection when it is closed, and refuses subscribers from then on", async () => {
    const bus = createRedisEventBus({ publisher, url: server.url, keyPrefix: "test:", logger });
    await bus.subscribe(newTopic(), createRecorder());
    const watcher = new Redis(server.url);
    try {
      const listed = async (): Promise<boolean> =>
        String(await watcher.client("LIST")).includes("powercrud-events");
      expect(await listed()).toBe(true);
      await bus.close();
      await bus.close();
      await expect(bus.subscribe(newTopic(), createRecorder())).rejects.toMatchObject({
        code: "UNAVAILABLE",
      });
      await withDeadline(
        (async () => {
          while (await listed());
        })(),
        10_000,
        "the connection's end",
      );
    } finally {
      watcher.disconnect();
    }
  });
});
