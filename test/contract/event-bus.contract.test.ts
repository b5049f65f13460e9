import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BusSubscriber } from "../../src/core/events/event-bus.ts";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPostgresEventBus } from "../../src/adapters/postgres/events/postgres-event-bus.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { withDeadline } from "../support/deadline.ts";
import { createPostgresWorld } from "./postgres-world.ts";
import type { PostgresWorld } from "./postgres-world.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createTcpProxy } from "./tcp-proxy.ts";
import { describeTransports } from "./describe-worlds.ts";
import { createRecorder, newTopic } from "./event-bus-recorder.ts";

describeTransports("event bus", (world) => {
  it("carries messages to every subscriber of the topic, and to no other", async () => {
    const [topic, other] = [newTopic(), newTopic()];
    const [first, second, stranger] = [createRecorder(), createRecorder(), createRecorder()];
    await world().bus.subscribe(topic, first);
    await world().bus.subscribe(topic, second);
    await world().bus.subscribe(other, stranger);
    const message = { text: "quotes ' \" and \\, 日本, 😀", list: [1, null, true], nested: { a: {} } };
    await world().bus.publish(topic, message);
    await world().bus.publish(other, "other");
    expect(await first.untilMessages(1)).toEqual([message]);
    expect(await second.untilMessages(1)).toEqual([message]);
    expect(await stranger.untilMessages(1)).toEqual(["other"]);
  });

  it("keeps a publisher's order without waiting, and delivers repeated messages", async () => {
    const [topic, recorder] = [newTopic(), createRecorder()];
    await world().bus.subscribe(topic, recorder);
    const sent = Array.from({ length: 500 }, (_, at) => Math.floor(at / 2));
    await Promise.all(sent.map((number) => world().bus.publish(topic, number)));
    expect(await recorder.untilMessages(sent.length)).toEqual(sent);
  });

  it("takes messages of up to 7,000 bytes, and refuses larger ones", async () => {
    const [topic, recorder] = [newTopic(), createRecorder()];
    await world().bus.subscribe(topic, recorder);
    const largest = "é".repeat(3_499);
    await world().bus.publish(topic, largest);
    expect(await recorder.untilMessages(1)).toEqual([largest]);
    await expect(world().bus.publish(topic, `${largest}x`)).rejects.toThrow(RangeError);
  });

  it.each(["", "Upper", "with space", 'quote"', "a-b", "digit1", "x".repeat(64)])(
    "refuses the topic %j",
    async (topic) => {
      await expect(world().bus.publish(topic, 1)).rejects.toThrow(RangeError);
      await expect(world().bus.subscribe(topic, createRecorder())).rejects.toThrow(RangeError);
    },
  );

  it("sends nothing after the subscription has ended, and ending it twice is harmless", async () => {
    const [topic, leaving, staying] = [newTopic(), createRecorder(), createRecorder()];
    const end = await world().bus.subscribe(topic, leaving);
    await world().bus.subscribe(topic, staying);
    await world().bus.publish(topic, 1);
    await leaving.untilMessages(1);
    await end();
    await end();
    await world().bus.publish(topic, 2);
    expect(await staying.untilMessages(2)).toEqual([1, 2]);
    expect(leaving.messages).toEqual([1]);
  });

  it("lets the same subscriber subscribe twice, with two independent subscriptions", async () => {
    const [topic, recorder] = [newTopic(), createRecorder()];
    const end = await world().bus.subscribe(topic, recorder);
    await world().bus.subscribe(topic, recorder);
    await world().bus.publish(topic, 1);
    expect(await recorder.untilMessages(2)).toEqual([1, 1]);
    await end();
    await world().bus.publish(topic, 2);
    expect(await recorder.untilMessages(3)).toEqual([1, 1, 2]);
  });

  it("still delivers when a subscriber throws", async () => {
    const [topic, recorder] = [newTopic(), createRecorder()];
    const broken: BusSubscriber = {
      onMessage() {
        throw new Error("broken on purpose");
      },
      onGap: () => undefined,
    };
    await world().bus.subscribe(topic, broken);
    await world().bus.subscribe(topic, recorder);
    await world().bus.publish(topic, 1);
    await world().bus.publish(topic, 2);
    expect(await recorder.untilMessages(2)).toEqual([1, 2]);
  });
});

describe("event bus: postgres, connection lost", () => {
  let world: PostgresWorld;
  beforeAll(async () => {
    world = await createPostgresWorld();
  });
  afterAll(() => world.close());

  it("reports a gap once it listens again, and then delivers", async () => {
    const [topic, recorder, late] = [newTopic(), createRecorder(), createRecorder()];
    await world.bus.subscribe(topic, recorder);
    await world.bus.publish(topic, "before");
    await recorder.untilMessages(1);
    const { rows } = await world.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'contract listener' AND datname = current_database()",
    );
    expect(rows).toHaveLength(1);
    await recorder.untilGap();
    await world.bus.subscribe(topic, late);
    await world.bus.publish(topic, "after");
    expect(await recorder.untilMessages(2)).toEqual(["before", "after"]);
    expect(await late.untilMessages(1)).toEqual(["after"]);
  });

  it("notices a server that vanished silently, and listens again once there is a new one", async () => {
    const proxy = await createTcpProxy(world.url);
    const clock = createManualClock();
    let noticeLoss = (): void => undefined;
    const lost = new Promise<void>((resolve) => (noticeLoss = resolve));
    const bus = createPostgresEventBus({
      session: createPgSession(world.pool),
      connectionString: proxy.url,
      applicationName: "contract proxy",
      answerTimeoutMs: 200,
      clock,
      logger: { ...createSilentLogger(), warn: () => noticeLoss() },
    });
    try {
      const [topic, recorder] = [newTopic(), createRecorder()];
      await bus.subscribe(topic, recorder);
      proxy.freeze();
      clock.advance(15_000);
      await withDeadline(lost, 10_000, "noticing the loss");
      proxy.thaw();
      clock.advance(50);
      await recorder.untilGap();
      await world.bus.publish(topic, "after");
      expect(await recorder.untilMessages(1)).toEqual(["after"]);
    } finally {
      await bus.close();
      await proxy.close();
    }
  });

  it("refuses to subscribe while no server answers, and subscribes once one does", async () => {
    const proxy = await createTcpProxy(world.url);
    const bus = createPostgresEventBus({
      session: createPgSession(world.pool),
      connectionString: proxy.url,
      answerTimeoutMs: 200,
      logger: createSilentLogger(),
    });
    try {
      const [topic, first, second] = [newTopic(), createRecorder(), createRecorder()];
      await bus.subscribe(topic, first);
      proxy.freeze();
      await expect(bus.subscribe(topic, createRecorder())).rejects.toMatchObject({ code: "UNAVAILABLE" });
      await expect(bus.subscribe(topic, createRecorder())).rejects.toMatchObject({ code: "UNAVAILABLE" });
      proxy.thaw();
      await bus.subscribe(topic, second);
      await first.untilGap();
      await world.bus.publish(topic, "after");
      expect(await first.untilMessages(1)).toEqual(["after"]);
      expect(await second.untilMessages(1)).toEqual(["after"]);
    } finally {
      await bus.close();
      await proxy.close();
    }
  });

  it("never stops trying to reconnect", async () => {
    const proxy = await createTcpProxy(world.url);
    const bus = createPostgresEventBus({
      session: createPgSession(world.pool),
      connectionString: proxy.url,
      applicationName: "contract proxy",
      answerTimeoutMs: 400,
      logger: createSilentLogger(),
    });
    try {
      const [topic, recorder] = [newTopic(), createRecorder()];
      await bus.subscribe(topic, recorder);
      proxy.freeze();
      proxy.cut();
      await proxy.untilConnections(3);
      proxy.thaw();
      await recorder.untilGap();
      await world.bus.publish(topic, "after");
      expect(await recorder.untilMessages(1)).toEqual(["after"]);
    } finally {
      await bus.close();
      await proxy.close();
    }
  });

  it("ignores notifications from other senders", async () => {
    const [topic, recorder] = [newTopic(), createRecorder()];
    await world.bus.subscribe(topic, recorder);
    await world.pool.query("SELECT pg_notify($1, 'no json'), pg_notify($1, '')", [topic]);
    await world.bus.publish(topic, 1);
    expect(await recorder.untilMessages(1)).toEqual([1]);
  });
});
