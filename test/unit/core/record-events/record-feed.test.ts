import { setImmediate } from "node:timers/promises";
import { createAccess } from "../../../../src/core/access/access-rules.ts";
import { describe, expect, it, onTestFinished } from "vitest";
import type { WhereFilter } from "../../../../src/core/access/access.ts";
import type { BusSubscriber, EventBus } from "../../../../src/core/events/event-bus.ts";
import type { RecordAnnouncement } from "../../../../src/core/events/record-announcement.ts";
import { filterKey, RECORD_TOPIC } from "../../../../src/core/events/record-announcement.ts";
import { createRecordAnnouncer } from "../../../../src/core/events/record-announcer.ts";
import type { RecordFeedRequest } from "../../../../src/core/record-events/record-feed.ts";
import { createRecordFeed } from "../../../../src/core/record-events/record-feed.ts";
import type { RecordEvent } from "../../../../src/core/record-events/record-subscription.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import type { Task } from "../../../../src/core/tasks/task.ts";
import { AppError } from "../../../../src/kernel/app-error.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import { withDeadline } from "../../../support/deadline.ts";
import { createManualClock } from "../../../support/manual-clock.ts";
import { createMemoryEventBus } from "../../../support/memory/memory-event-bus.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const logger = createSilentLogger();
const models = createModelRegistry([modelOf("City", [scalar("id", "Int", { isKey: true })])], []);
const EVEN: WhereFilter = { parity: { equals: "even" } };
const ODD: WhereFilter = { parity: { equals: "odd" } };
const FILTERS: Readonly<Record<string, WhereFilter>> = { even: EVEN, odd: ODD };
const HIDDEN_TASK = "hidden";

/** Processes that share a bus. City n is within EVEN or ODD, unless it is gone; the lock scope of a viewer is its claim. */
function createWorld() {
  const clock = createManualClock();
  const bus = createMemoryEventBus({ logger });
  const sent: RecordAnnouncement[] = [];
  const asked: string[] = [];
  const listeners = new Set<BusSubscriber>();
  let isDown = false;
  let connecting: Promise<void> | undefined;
  let telling: Promise<void> | undefined;
  const watched: EventBus = {
    ...bus,
    async publish(topic, message) {
      if (isDown) {
        throw new AppError("UNAVAILABLE", "down");
      }
      if (topic === RECORD_TOPIC) {
        sent.push(message as unknown as RecordAnnouncement);
      } else if (telling !== undefined) {
        await telling;
      }
      await bus.publish(topic, message);
    },
    async subscribe(topic, subscriber) {
      if (topic === RECORD_TOPIC) {
        asked.push(topic);
        await connecting;
      }
      listeners.add(subscriber);
      return bus.subscribe(topic, subscriber);
    },
  };
  const checks: (readonly string[])[] = [];
  const gone = new Set<string>();
  let broken = false;
  const process = async () => {
    const announcer = createRecordAnnouncer({ bus: watched, clock, logger });
    await announcer.start();
    onTestFinished(() => announcer.stop());
    return announcer;
  };
  const command = () => createRecordAnnouncer({ bus: watched, clock, logger, isAudienceKnown: false });
  const serve = async () => {
    const announcer = await process();
    const feed = createRecordFeed({
      audience: announcer,
      bus: watched,
      models,
      access: createAccess(
        () =>
          ({ viewer: { id } }) =>
            id !== "nobody" && (FILTERS[id ?? ""] ?? true),
      ),
      lockScopes: { of: (_model, { claims }) => claims?.["tenant"] as string | undefined },
      reader: {
        async existingIds(_model, ids, where) {
          checks.push(ids);
          if (broken) {
            throw new AppError("UNAVAILABLE", "down");
          }
          const wanted = where === EVEN ? 0 : 1;
          return ids.filter((id) => Number(id) % 2 === wanted && !gone.has(id));
        },
      },
      tasks: { find: async ([id = ""]) => new Map([[id, { id } as Task]]) },
      clock,
      logger,
    });
    await feed.start();
    onTestFinished(() => feed.stop());
    return { announcer, feed };
  };
  return {
    clock,
    sent,
    /** Each question whether the bus is heard. */
    asked,
    checks,
    gone,
    process,
    command,
    serve,
    reconnect: () => listeners.forEach((listener) => listener.onGap()),
    setDown: (down: boolean) => void (isDown = down),
    /** Lets subscriptions to the bus wait for it. */
    connect: (connected: Promise<void>) => void (connecting = connected),
    /** Lets messages about who listens wait for it. */
    tell: (told: Promise<void>) => void (telling = told),
    breakReader: () => void (broken = true),
  };
}

const announcement = (given: Partial<RecordAnnouncement>): RecordAnnouncement => ({
  type: "UPDATED",
  model: "City",
  ids: ["1"],
  taskId: null,
  ...given,
});

type World = Awaited<ReturnType<ReturnType<typeof createWorld>["serve"]>>;

async function subscribe({ feed }: World, viewer: string | null, rest: Partial<RecordFeedRequest> = {}) {
  const events = await feed.subscribe({ model: "City", viewer: { id: viewer }, ...rest });
  return {
    events,
    next: () => withDeadline(events.next(), 2000, "an event").then(({ value }) => inShort(value)),
  };
}

/** What a subscriber receives after its first message. */
async function follow(world: World, viewer: string | null, rest: Partial<RecordFeedRequest> = {}) {
  const subscriber = await subscribe(world, viewer, rest);
  expect(await subscriber.next()).toBe("GAP all");
  return {
    ...subscriber,
    /** Everything until a mark, which every viewer hears. Marks of others are left out. */
    async until(announcer: World["announcer"]): Promise<string[]> {
      const seen: string[] = [];
      marks += 2;
      const ids = [String(marks), String(marks + 1)];
      await announcer.send([announcement({ type: "LOCKED", ids })]);
      for (let event = await this.next(); !ids.some((id) => event.includes(id)); event = await this.next()) {
        seen.push(event);
      }
      return seen.filter((event) => !event.includes("LOCKED 1000"));
    },
  };
}

let marks = 1_000_000;

function inShort(event: RecordEvent | undefined): string {
  return event === undefined ? "end" : `${event.type} ${event.isAll ? "all" : event.recordIds.join()}`;
}

describe("the record feed", () => {
  it("sends nothing while nobody listens, and to other processes while somebody does", async () => {
    const world = createWorld();
    const [api, worker] = [await world.serve(), await world.process()];
    expect(worker.isHeard("City")).toBe(false);
    world.clock.advance(1000);
    const reader = await follow(api, null);
    expect([worker.isHeard("City"), worker.isHeard(), worker.isHeard("Country")]).toEqual([
      true,
      true,
      false,
    ]);
    await worker.send([announcement({ ids: ["1", "2"] })]);
    expect(await reader.next()).toBe("UPDATED 1,2");
    world.clock.advance(60_000);
    expect(worker.isHeard("City")).toBe(true);
    await reader.events.return?.();
    world.clock.advance(60_000);
    expect([worker.isHeard("City"), worker.isHeard(), api.announcer.isHeard()]).toEqual([
      false,
      false,
      false,
    ]);
    expect(world.sent).toHaveLength(1);
  });

  it("says first, to a new subscriber alone, that it is in place: the bus is heard, and other processes were told", async () => {
    const world = createWorld();
    const [api, worker] = [await world.serve(), await world.process()];
    let [connect, tell] = [(): void => undefined, (): void => undefined];
    world.connect(new Promise<void>((resolve) => (connect = resolve)));
    world.tell(new Promise<void>((resolve) => (tell = resolve)));
    const waiting = [subscribe(api, null), subscribe(api, "even")] as const;
    for (const goOn of [connect, tell]) {
      const begun = waiting.map((each) => Promise.race([each.then(() => true), setImmediate(false)]));
      expect([await Promise.all(begun), worker.isHeard("City")]).toEqual([[false, false], false]);
      goOn();
    }
    const [all, even] = await Promise.all(waiting);
    expect(await Promise.all([all.next(), even.next()])).toEqual(["GAP all", "GAP all"]);
    const before = world.asked.length;
    const later = await Promise.all(Array.from({ length: 5 }, () => follow(api, null)));
    // The first of them asks at once, the others together.
    expect(world.asked.length - before).toBe(2);
    await worker.send([announcement({ ids: ["2"] })]);
    const heard = await Promise.all([all, even, ...later].map((each) => each.next()));
    expect(new Set(heard)).toEqual(new Set(["UPDATED 2"]));
  });

  it("waits with its first message while the connection to the bus is lost, and asks no second time", async () => {
    const world = createWorld();
    const api = await world.serve();
    const first = await follow(api, null);
    world.connect(Promise.reject(new AppError("UNAVAILABLE", "reconnecting")));
    const second = await subscribe(api, null);
    const told = second.next();
    expect(await Promise.race([told, setImmediate("nothing")])).toBe("nothing");
    world.reconnect();
    expect([await told, await first.next()]).toEqual(["GAP all", "GAP all"]);
  });

  it("lets a process that begins later know who listens", async () => {
    const world = createWorld();
    const reader = await follow(await world.serve(), null);
    const worker = await world.process();
    expect(worker.isHeard("City")).toBe(true);
    await worker.send([announcement({})]);
    expect(await reader.next()).toBe("UPDATED 1");
  });

  it("hears a command that cannot know who listens, and a gap of it is one of every model", async () => {
    const world = createWorld();
    const reader = await follow(await world.serve(), null);
    const sweep = world.command();
    expect([sweep.isHeard("City"), sweep.isHeard()]).toEqual([true, true]);
    await sweep.send([announcement({ type: "RELEASED" })]);
    expect(await reader.next()).toBe("RELEASED 1");
    await sweep.sendGaps();
    expect(await reader.next()).toBe("GAP all");
    world.setDown(true);
    await sweep.sendGaps();
  });

  it("makes a change good by a gap that another process made before it knew of the listener", async () => {
    const world = createWorld();
    const [api, worker] = [await world.serve(), await world.process()];
    world.clock.advance(1000);
    // The worker hears of the listener only after its next change.
    world.setDown(true);
    const reader = await follow(api, null);
    expect(worker.isHeard("City")).toBe(false);
    world.setDown(false);
    world.clock.advance(10_000);
    expect(await reader.next()).toBe("GAP all");
    world.clock.advance(30_000);
    await worker.send([announcement({})]);
    expect(await reader.next()).toBe("UPDATED 1");
  });

  it("tells of a gap when the bus was lost, and when a message could not be sent", async () => {
    const world = createWorld();
    const api = await world.serve();
    const reader = await follow(api, "even", { ids: ["4"] });
    world.reconnect();
    expect(await reader.next()).toBe("GAP all");
    world.setDown(true);
    world.clock.advance(1);
    expect(api.announcer.isHeard("City")).toBe(true);
    await api.announcer.send([announcement({ ids: ["4"] })]);
    world.setDown(false);
    world.clock.advance(10_000);
    expect(await reader.next()).toBe("GAP all");
  });

  it("names records to those whose filter they match, with one statement for equal viewers", async () => {
    const world = createWorld();
    const api = await world.serve();
    const [all, even, same, odd] = await Promise.all(
      [null, "even", "even", "odd"].map((viewer) => follow(api, viewer)),
    );
    await api.announcer.send([announcement({ type: "CREATED", ids: ["1", "2", "4"] })]);
    await api.announcer.send([announcement({ ids: ["3"] })]);
    expect(await all?.until(api.announcer)).toEqual(["CREATED 1,2,4", "UPDATED 3"]);
    expect(await even?.until(api.announcer)).toEqual(["CREATED 2,4"]);
    expect(await same?.until(api.announcer)).toEqual(["CREATED 2,4"]);
    expect(await odd?.until(api.announcer)).toEqual(["CREATED 1", "UPDATED 3"]);
    // Events that come during a check are checked together.
    const first = world.checks.filter((ids) => ids.includes("1"));
    expect(first).toHaveLength(2);
  });

  it("gives equal viewers the same object, which is serialised once", async () => {
    const world = createWorld();
    const api = await world.serve();
    const [one, two] = await Promise.all(["even", "even"].map((viewer) => follow(api, viewer)));
    await api.announcer.send([announcement({ ids: ["1", "2"] })]);
    expect((await one?.events.next())?.value).toBe((await two?.events.next())?.value);
  });

  it("names deleted records only to those without a filter, and to those with the writer's", async () => {
    const world = createWorld();
    const api = await world.serve();
    const [all, even, odd] = await Promise.all([null, "even", "odd"].map((viewer) => follow(api, viewer)));
    await api.announcer.send([announcement({ type: "DELETED", ids: ["2"], within: filterKey(EVEN) })]);
    expect(await all?.until(api.announcer)).toEqual(["DELETED 2"]);
    expect(await even?.until(api.announcer)).toEqual(["DELETED 2"]);
    expect(await odd?.until(api.announcer)).toEqual([]);
    // Later, and once for all that came meanwhile.
    await api.announcer.send([announcement({ type: "DELETED", ids: ["4"], within: filterKey(EVEN) })]);
    expect(await odd?.until(api.announcer)).toEqual([]);
    world.clock.advance(5000);
    expect(await odd?.next()).toBe("GAP all");
    world.clock.advance(60_000);
    expect(await odd?.until(api.announcer)).toEqual([]);
    expect(await even?.until(api.announcer)).toEqual(["DELETED 4"]);
  });

  it("says of what cannot be checked no more than the task's own events, and only to those who may see it", async () => {
    const world = createWorld();
    const api = await world.serve();
    const canSee = ({ id }: Task): boolean => id !== HIDDEN_TASK;
    const [even, all] = await Promise.all(["even", null].map((viewer) => follow(api, viewer, { canSee })));
    await api.announcer.send([announcement({ ids: "all", taskId: "seen" })]);
    await api.announcer.send([announcement({ type: "DELETED", ids: ["2"], taskId: "seen" })]);
    await api.announcer.send([announcement({ ids: "all", taskId: HIDDEN_TASK })]);
    expect(await even?.until(api.announcer)).toEqual(["UPDATED all", "DELETED all"]);
    expect(await all?.until(api.announcer)).toEqual(["UPDATED all", "DELETED 2", "UPDATED all"]);
    world.clock.advance(5000);
    expect(await even?.next()).toBe("GAP all");
    expect(await all?.until(api.announcer)).toEqual([]);
  });

  it("leaves out whole models that are locked for viewers of another lock scope", async () => {
    const world = createWorld();
    const api = await world.serve();
    const viewer = { id: null, claims: { tenant: "a" } };
    const reader = await follow(api, null, { viewer });
    await api.announcer.send([announcement({ type: "LOCKED", ids: "all", lockScope: "b" })]);
    await api.announcer.send([announcement({ type: "LOCKED", ids: "all", lockScope: "a" })]);
    expect(await reader.until(api.announcer)).toEqual(["LOCKED all"]);
  });

  it("keeps to the records that were asked for, and folds more than 100", async () => {
    const world = createWorld();
    const api = await world.serve();
    const some = await follow(api, null, { ids: ["1", "3"] });
    const ids = Array.from({ length: 101 }, (_, n) => String(n));
    await api.announcer.send([announcement({ ids: ["1", "2", "3"] }), announcement({ ids: ["2"] })]);
    await api.announcer.send([announcement({ ids }), announcement({ ids: ids.slice(1) })]);
    const seen = [await some.next(), await some.next(), await some.next()];
    expect(seen).toEqual(["UPDATED 1,3", "UPDATED all", "UPDATED 1,3"]);
    const long = ids.slice(1).map((id) => id.padStart(60, "0"));
    await api.announcer.send([announcement({ ids: long })]);
    expect(await some.next()).toBe("UPDATED all");
  });

  it("drops names of records that are not there yet", async () => {
    const world = createWorld();
    const api = await world.serve();
    const reader = await follow(api, null);
    await api.announcer.send([announcement({ type: "LOCKED", ids: ['{"email":"a@b"}'] })]);
    await api.announcer.send([announcement({ type: "LOCKED", ids: ["5", '{"email":"a@b"}'] })]);
    expect(await reader.until(api.announcer)).toEqual(["LOCKED 5"]);
  });

  it("puts one gap in the place of all that a slow subscriber did not read", async () => {
    const world = createWorld();
    const api = await world.serve();
    const reader = await follow(api, null);
    for (let n = 0; n < 500; n += 1) {
      await api.announcer.send([announcement({ ids: [String(n)] })]);
    }
    expect(await reader.next()).toBe("GAP all");
    await api.announcer.send([announcement({ ids: ["7"] })]);
    expect(await reader.next()).toBe("UPDATED 7");
  });

  it("refuses who may read no record of the model", async () => {
    const api = await createWorld().serve();
    await expect(follow(api, "nobody")).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(api.announcer.isHeard()).toBe(false);
  });

  it("tells of a gap when records cannot be checked, and ends when it stops", async () => {
    const world = createWorld();
    const api = await world.serve();
    const reader = await follow(api, "even");
    world.breakReader();
    await api.announcer.send([announcement({ ids: ["2"] })]);
    expect(await reader.next()).toBe("GAP all");
    const ending = reader.next().catch((error: unknown) => error);
    await api.feed.stop();
    expect(await ending).toMatchObject({ code: "UNAVAILABLE" });
    const later = await subscribe(api, null);
    await expect(later.next()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
