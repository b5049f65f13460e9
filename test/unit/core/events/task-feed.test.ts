import { describe, expect, it, onTestFinished } from "vitest";
import { encodeCursor } from "../../../../src/core/events/event-cursor.ts";
import type { TaskFeedOptions } from "../../../../src/core/events/feed-options.ts";
import { TASK_FEED_DEFAULTS } from "../../../../src/core/events/feed-options.ts";
import { createTaskFeed } from "../../../../src/core/events/task-feed.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import { createManualClock } from "../../../support/manual-clock.ts";
import { createTaskWorld, settled, take } from "./task-world.ts";

async function setUp(options: TaskFeedOptions = {}, world = createTaskWorld()) {
  const clock = createManualClock();
  const feed = createTaskFeed({ ...world, clock, logger: createSilentLogger() }, options);
  await feed.start();
  onTestFinished(() => feed.stop());
  return { world, clock, feed };
}

const types = (items: readonly { readonly event: { readonly type: string } }[]): string[] =>
  items.map(({ event }) => event.type);

describe("task feed", () => {
  it("defaults", () => {
    expect(TASK_FEED_DEFAULTS).toEqual({
      maxBufferedEvents: 1000,
      maxKnownTasks: 500,
      pageSize: 500,
      pollIntervalMs: 5000,
      retryDelayMs: 500,
    });
  });

  it("hands the same events, in order, to all subscribers, with one query", async () => {
    const { world, feed } = await setUp();
    const subscribers = Array.from({ length: 50 }, () => feed.subscribe());
    await settled();
    const before = world.replays.length;
    world.run(1);
    await settled();
    expect(world.replays.length - before).toBeLessThanOrEqual(2);
    for (const items of subscribers) {
      expect(types(await take(items, 2))).toEqual(["CREATE", "START"]);
    }
  });

  it("finds events that were appended while it subscribed to the bus", async () => {
    const world = createTaskWorld();
    let items: ReturnType<typeof feed.subscribe> | undefined;
    const feed = createTaskFeed({
      ...world,
      bus: {
        ...world.bus,
        async subscribe(topic, subscriber) {
          items = feed.subscribe();
          world.append(1, "CREATE");
          return world.bus.subscribe(topic, subscriber);
        },
      },
      clock: createManualClock(),
      logger: createSilentLogger(),
    });
    await feed.start();
    onTestFinished(() => feed.stop());
    expect(types(await take(items ?? feed.subscribe(), 1))).toEqual(["CREATE"]);
  });

  it("reads no events while nobody subscribes, and then begins with the next one", async () => {
    const { world, feed } = await setUp();
    await settled();
    world.run(1);
    await settled();
    expect(world.replays).toEqual([]);
    const items = feed.subscribe();
    world.complete(1);
    expect(types(await take(items, 2))).toEqual(["COMPLETE", "CLEANUP"]);
  });

  it("finds an unannounced event at the next poll", async () => {
    const { world, clock, feed } = await setUp();
    const items = feed.subscribe();
    await settled();
    world.append(1, "CREATE");
    clock.advance(TASK_FEED_DEFAULTS.pollIntervalMs);
    expect(types(await take(items, 1))).toEqual(["CREATE"]);
  });

  it("goes on once the log can be reached again", async () => {
    const { world, clock, feed } = await setUp();
    const items = feed.subscribe();
    await settled();
    world.breakLog(new Error("connection refused"));
    world.run(1);
    await settled();
    world.breakLog(undefined);
    clock.advance(TASK_FEED_DEFAULTS.retryDelayMs);
    expect(types(await take(items, 2))).toEqual(["CREATE", "START"]);
  });

  it("replays from a cursor page by page, then goes live", async () => {
    const { world, feed } = await setUp({ pageSize: 3 });
    for (let n = 1; n <= 4; n += 1) {
      world.run(n);
    }
    await settled();
    const items = feed.subscribe({ after: 0 });
    const replayed = await take(items, 8);
    expect(replayed.map(({ event }) => event.taskId)).toEqual([1, 1, 2, 2, 3, 3, 4, 4].map(world.id));
    world.complete(4);
    expect(types(await take(items, 2))).toEqual(["COMPLETE", "CLEANUP"]);
  });

  it("loses nothing that is appended between reading the log and going live", async () => {
    let held: Promise<void> | undefined;
    const { world, feed } = await setUp(
      {},
      createTaskWorld(async (query) => {
        const answer = query();
        await held;
        return answer;
      }),
    );
    await settled();
    let release = (): void => undefined;
    held = new Promise((resolve) => (release = resolve));
    const pending = take(feed.subscribe({ after: 0 }), 2);
    // The subscriber's query has found nothing; its answer is on the way while the feed offers the events.
    held = undefined;
    world.run(1);
    await settled();
    release();
    expect(types(await pending)).toEqual(["CREATE", "START"]);
  });

  it("refuses a cursor from beyond the log", async () => {
    const { feed } = await setUp();
    await expect(feed.subscribe({ after: 7 }).next()).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
  });

  it("filters by task, model, kind, type, and by what the subscriber may see", async () => {
    const { world, feed } = await setUp();
    const model = { model: "Tag", kind: "rebuild" };
    const byTask = feed.subscribe({ filter: { taskIds: [world.id(2)] } });
    const byModel = feed.subscribe({ filter: { models: ["Tag"] } });
    const byKind = feed.subscribe({ filter: { kinds: ["rebuild"] } });
    const byType = feed.subscribe({ filter: { types: ["COMPLETE"] } });
    const bySight = feed.subscribe({ canSee: (task) => task.id === world.id(2) });
    world.run(1);
    world.append(2, "CREATE", model);
    world.announce(2);
    world.complete(2);
    for (const items of [byTask, byModel, byKind, bySight]) {
      const taken = await take(items, 3);
      expect(taken.map(({ event }) => event.taskId)).toEqual(Array(3).fill(world.id(2)));
    }
    expect(types(await take(byType, 1))).toEqual(["COMPLETE"]);
  });
});

describe("task feed, progress", () => {
  it("has position and sequence of the event before it, and a cursor that replays nothing twice", async () => {
    const { world, feed } = await setUp();
    world.run(1);
    await settled();
    const items = feed.subscribe();
    world.run(2);
    await settled();
    world.announceProgress(1, 10);
    const [create, start, progress] = await take(items, 3);
    expect(progress?.event).toMatchObject({ type: "PROGRESS", taskId: world.id(1), sequence: 2 });
    expect(progress?.event.position).toBeLessThan(create?.event.position ?? 0);
    expect(progress?.task.progress.succeeded).toBe(10);
    expect(progress?.cursor).toBe(start?.cursor);
  });

  it("never falls within an attempt, and begins again with the next", async () => {
    const { world, feed } = await setUp();
    world.run(1);
    await settled();
    const items = feed.subscribe();
    const counts: (number | undefined)[] = [];
    for (const succeeded of [10, 30, 20, 40]) {
      world.announceProgress(1, succeeded);
      counts.push((await take(items, 1))[0]?.event.progress.processed);
    }
    expect(counts).toEqual([10, 30, 30, 40]);
    world.append(1, "START", { attempt: 2 });
    world.announce(1);
    expect(types(await take(items, 1))).toEqual(["START"]);
    world.announceProgress(1, 50, 1);
    world.announceProgress(1, 5, 2);
    expect((await take(items, 1))[0]?.event.progress.processed).toBe(5);
  });

  it("is ignored for settled tasks, other attempts and unknown tasks", async () => {
    const { world, feed } = await setUp();
    const items = feed.subscribe();
    world.run(1);
    world.complete(1);
    await settled();
    world.announceProgress(1, 100);
    world.announceProgress(1, 100, 7);
    world.announceProgress(9, 1);
    world.send({ kind: "PROGRESS" });
    world.send({ kind: "PROGRESS", taskId: world.id(1) });
    world.send(null);
    await settled();
    world.run(2);
    expect(types(await take(items, 6))).toEqual([
      "CREATE",
      "START",
      "COMPLETE",
      "CLEANUP",
      "CREATE",
      "START",
    ]);
  });

  it("is reported for a task that began before the feed", async () => {
    const early = createTaskWorld();
    early.run(1);
    const { world, feed } = await setUp({}, early);
    const items = feed.subscribe();
    world.announceProgress(1, 10);
    const [progress] = await take(items, 1);
    expect(progress?.event).toMatchObject({ type: "PROGRESS", sequence: 2, progress: { processed: 10 } });
  });

  it("comes after CREATE and START that are found with it", async () => {
    const { world, feed } = await setUp();
    const items = feed.subscribe();
    await settled();
    world.run(1);
    world.announceProgress(1, 10);
    expect(types(await take(items, 3))).toEqual(["CREATE", "START", "PROGRESS"]);
  });
});

describe("task feed, slow and leaving subscribers", () => {
  it("keeps only the latest progress of each task for a slow one", async () => {
    const { world, feed } = await setUp();
    // Another subscriber, for which the tasks were read before.
    feed.subscribe();
    world.run(1);
    world.run(2);
    await settled();
    const items = feed.subscribe();
    for (let succeeded = 1; succeeded <= 100; succeeded += 1) {
      world.announceProgress(1, succeeded);
      world.announceProgress(2, succeeded);
    }
    world.run(3);
    await settled();
    const taken = await take(items, 4);
    expect(taken.map(({ event }) => [event.type, event.progress.processed])).toEqual([
      ["PROGRESS", 100],
      ["PROGRESS", 100],
      ["CREATE", 0],
      ["START", 0],
    ]);
  });

  it("ends only the one that falls too far behind, with the cursor to resume from", async () => {
    const { world, feed } = await setUp({ maxBufferedEvents: 5 });
    const slow = feed.subscribe();
    const quick = feed.subscribe();
    world.run(1);
    const [create] = await take(slow, 1);
    await take(quick, 2);
    for (let n = 2; n <= 4; n += 1) {
      world.run(n);
      await settled();
      expect(types(await take(quick, 2))).toEqual(["CREATE", "START"]);
    }
    const cursor = encodeCursor(create?.event.position ?? -1);
    await expect(slow.next()).rejects.toMatchObject({
      code: "SUBSCRIBER_TOO_SLOW",
      message: expect.stringContaining(`after: "${cursor}"`),
    });
    await expect(slow.next()).resolves.toMatchObject({ done: true });
    const resumed = await take(feed.subscribe({ after: create?.event.position ?? -1 }), 7);
    expect(resumed.map(({ event }) => event.taskId)).toEqual([1, 2, 2, 3, 3, 4, 4].map(world.id));
  });

  it("lets a slow subscriber take its time to replay", async () => {
    const { world, feed } = await setUp({ maxBufferedEvents: 2, pageSize: 2 });
    world.run(1);
    await settled();
    const items = feed.subscribe({ after: 0 });
    await take(items, 1);
    for (let n = 2; n <= 10; n += 1) {
      world.run(n);
      await settled();
    }
    expect(await take(items, 19)).toHaveLength(19);
  });

  it("ends only the subscriber whose rules throw", async () => {
    const { world, feed } = await setUp();
    const faulty = feed.subscribe({
      canSee: () => {
        throw new Error("rules are down");
      },
    });
    const other = feed.subscribe();
    world.run(1);
    expect(types(await take(other, 2))).toEqual(["CREATE", "START"]);
    await expect(faulty.next()).rejects.toThrow("rules are down");
  });

  it.each(["return", "abort"])("resolves a pending next at once on %s", async (way) => {
    const { feed } = await setUp();
    const controller = new AbortController();
    const items = feed.subscribe({ signal: controller.signal });
    const pending = items.next();
    if (way === "return") {
      await items.return?.();
    } else {
      controller.abort();
    }
    await expect(pending).resolves.toEqual({ done: true, value: undefined });
  });

  it("rejects a pending next when it stops: a stop never looks like the end of a task", async () => {
    const { world, feed } = await setUp();
    world.run(1);
    await settled();
    const events = feed.subscribe();
    const states = feed.watch(world.id(1));
    await states.next();
    const pending = [events.next(), states.next()];
    await feed.stop();
    for (const next of pending) {
      await expect(next).rejects.toMatchObject({ code: "UNAVAILABLE" });
    }
  });

  it("leaves the bus when it stops, and refuses new subscribers", async () => {
    const { world, feed } = await setUp();
    expect(world.subscriberCount()).toBe(1);
    await feed.stop();
    expect(world.subscriberCount()).toBe(0);
    await expect(feed.subscribe().next()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
