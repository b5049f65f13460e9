import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createCron } from "../../../src/adapters/cron/croner-cron.ts";
import { createPostgresScheduleStore } from "../../../src/adapters/postgres/postgres-schedule-store.ts";
import { launchFor } from "../../../src/core/schedules/launch-due.ts";
import type { LaunchScheduled } from "../../../src/core/schedules/launch-due.ts";
import type { ConfiguredSchedule, Schedule } from "../../../src/core/schedules/schedule.ts";
import type { ScheduleStore } from "../../../src/core/schedules/schedule-store.ts";
import { createSchedules } from "../../../src/core/schedules/schedules.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import type { Service } from "../../../src/kernel/service.ts";
import { createScheduleKeeper } from "../../../src/worker/create-schedule-keeper.ts";
import { createScheduler } from "../../../src/worker/create-scheduler.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, createHeldThings } from "../../support/engine-fixture.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { PATIENT } from "../../support/sweep-options.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = new Date("2026-01-01T00:00:00.000Z");
const cron = createCron();
const logger = createSilentLogger();

const note = defineTask({ kind: "note", input: z.object({ n: z.number() }), run: async () => undefined });
const claiming = defineTask({
  kind: "claiming",
  claims: () => [{ model: "Thing", ids: ["1"] }],
  run: async () => undefined,
});
const forbidden = defineTask({
  kind: "forbidden",
  access: ({ viewer }) => viewer.id === "ada",
  run: async () => 1,
});

let engine: EngineFixture;
let store: ScheduleStore;
let isQueueDown = false;
let clock: ManualClock;
/** How far the database's clock is ahead of the timers. */
let aheadMs = 0;
const running: Service[] = [];
const { hold, releaseAll } = createHeldThings(() => engine);

beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: [note, claiming, forbidden],
    queue: (real) => ({
      ...real,
      enqueue: (tasks) =>
        isQueueDown ? Promise.reject(new Error("the queue is away")) : real.enqueue(tasks),
    }),
  });
  store = createPostgresScheduleStore({ session: engine.session });
  await insertThings(engine.session, 3);
});
afterAll(() => engine.stop());
beforeEach(async () => {
  clock = createManualClock(START);
  aheadMs = 0;
  await engine.session.query("TRUNCATE powercrud.schedule, powercrud.task, powercrud.lock CASCADE");
});
afterEach(async () => {
  isQueueDown = false;
  await releaseAll();
  await Promise.all(running.splice(0).map((service) => service.stop()));
});

const scheduleOf = (changes: Partial<ConfiguredSchedule> = {}): ConfiguredSchedule => ({
  name: "often",
  kind: "note",
  input: { n: 1 },
  cron: "*/10 * * * *",
  timeZone: "UTC",
  viewer: { id: "schedule:often" },
  missed: "ONCE",
  onConflict: "WAIT",
  ...changes,
});

const launch: LaunchScheduled = (request) => {
  const settings = { ...engine.ports.settings, whenQueueDown: "wait" as const };
  return launchCustom({ ...engine.ports, settings }, request);
};

const followed = () => ({ ...clock, now: () => new Date(clock.now().getTime() + aheadMs) });
const sharedPorts = () => ({
  schedules: store,
  cron,
  launch,
  bus: engine.ports.bus,
  clock: followed(),
  logger,
});

/** Starts what a process with these schedules would: the keeper and the scheduler. */
async function startProcess(
  configured: readonly ConfiguredSchedule[],
  { id = "one", ...ports }: { readonly id?: string } & Partial<ReturnType<typeof sharedPorts>> = {},
): Promise<Service & { readonly keeper: Service }> {
  const shared = { ...sharedPorts(), ...ports };
  const names = configured.map(({ name }) => name);
  const keeper = createScheduleKeeper({ ...shared, configured, keeper: id, silenceMs: 10_000 });
  const knows = (kind: string): boolean => engine.ports.definitions.find(kind) !== undefined;
  const scheduler = createScheduler({ ...shared, names, knows });
  await keeper.start();
  await scheduler.start();
  const service = {
    name: id,
    keeper,
    start: () => Promise.resolve(),
    async stop() {
      await scheduler.stop();
      await keeper.stop();
    },
  };
  running.push(service);
  return service;
}

async function shown(name = "often"): Promise<Schedule> {
  const [schedule] = await store.list([name]);
  if (schedule === undefined) {
    throw new Error(`there is no schedule ${name}`);
  }
  return schedule;
}

/** The due times for which tasks were launched, in the order of the launches. */
async function launchedTimes(name = "often"): Promise<readonly string[]> {
  const rows = await engine.session.query<{ key: string }>(
    "SELECT idempotency_key AS key FROM powercrud.task WHERE schedule = $1 ORDER BY id",
    [name],
  );
  return rows.map(({ key }) => key.slice(`schedule:${name}:`.length));
}

/** When its keeper last kept it, in ms. */
async function keptAt(): Promise<number> {
  const [row] = await engine.session.query<{ at: Date }>("SELECT kept_at AS at FROM powercrud.schedule");
  return row?.at.getTime() ?? 0;
}

const at = (ms: number): string => new Date(START.getTime() + ms).toISOString();
/** Waits until the schedule has moved past the present. */
const untilHandled = (name = "often"): Promise<void> =>
  vi.waitFor(
    async () => {
      // An alarm that was set for the present after the clock had moved rings only now.
      clock.advance(0);
      expect((await shown(name)).nextRunAt?.getTime()).toBeGreaterThan(followed().now().getTime());
    },
    { timeout: 20_000, interval: 5 },
  );
const pass = async (ms: number, name?: string): Promise<void> => {
  clock.advance(ms);
  await untilHandled(name);
};

describe("a due time", () => {
  it("is launched once, whichever of several processes gets there", async () => {
    const often = scheduleOf({ cron: "* * * * * *" });
    await startProcess([often], { id: "one" });
    await startProcess([often], { id: "two" });
    for (let second = 1; second <= 60; second += 1) {
      await pass(1000);
    }
    expect(await launchedTimes()).toEqual(Array.from({ length: 60 }, (_, second) => at((second + 1) * 1000)));
    expect(await shown()).toMatchObject({ lastOutcome: "LAUNCHED", lastRunAt: new Date(at(60_000)) });
  });

  it("becomes a task of the schedule's viewer, with its input and name", async () => {
    await startProcess([scheduleOf()]);
    await pass(10 * MINUTE);
    const task = await engine.settled((await shown()).lastTaskId ?? "");
    expect(task).toMatchObject({
      kind: "note",
      input: { n: 1 },
      viewer: { id: "schedule:often" },
      schedule: "often",
      status: "SUCCEEDED",
    });
  });

  it("that a process launched before it died is not launched again, and those after it are", async () => {
    const dying = { ...store, moveOn: () => new Promise<never>(() => undefined) };
    const first = await startProcess([scheduleOf()], { id: "dying", schedules: dying });
    clock.advance(10 * MINUTE);
    await vi.waitFor(async () => {
      clock.advance(0);
      expect(await launchedTimes()).toHaveLength(1);
    });
    // Its scheduler never ends.
    running.splice(running.indexOf(first), 1, first.keeper);
    clock = createManualClock(new Date(at(35 * MINUTE)));
    await startProcess([scheduleOf()], { id: "next" });
    await untilHandled();
    // 20 and 30 were missed, and are one launch.
    expect(await launchedTimes()).toEqual([at(10 * MINUTE), at(20 * MINUTE)]);
  });

  it("is late, not lost, while the machine's timers sleep; many of them are one launch", async () => {
    await startProcess([scheduleOf()]);
    await untilHandled();
    aheadMs = 25 * MINUTE;
    await pass(MINUTE);
    expect(await shown()).toMatchObject({ lastMessage: null, lastOutcome: "LAUNCHED" });
    expect(await launchedTimes()).toEqual([at(10 * MINUTE)]);
    expect((await shown()).nextRunAt).toEqual(new Date(at(30 * MINUTE)));
  });

  it("is not launched again when the database's clock is set back", async () => {
    await startProcess([scheduleOf()]);
    await pass(10 * MINUTE);
    aheadMs = -HOUR;
    await pass(MINUTE);
    await pass(40 * MINUTE);
    expect(await launchedTimes()).toEqual([at(10 * MINUTE)]);
    aheadMs = 0;
    await pass(MINUTE);
    // 20 to 50 by now: one launch for all.
    expect(await launchedTimes()).toEqual([at(10 * MINUTE), at(20 * MINUTE)]);
  });
});

describe("due times that nobody was there for", () => {
  const PAST = 5 * HOUR + 5 * MINUTE;

  it("are one launch under ONCE, however many processes come back", async () => {
    await (await startProcess([scheduleOf()])).stop();
    clock = createManualClock(new Date(START.getTime() + PAST));
    await Promise.all([startProcess([scheduleOf()], { id: "b" }), startProcess([scheduleOf()], { id: "c" })]);
    await untilHandled();
    expect(await launchedTimes()).toEqual([at(10 * MINUTE)]);
    expect((await shown()).nextRunAt).toEqual(new Date(at(5 * HOUR + 10 * MINUTE)));
  });

  it("are none under SKIP, which shows on the schedule", async () => {
    const skipping = scheduleOf({ missed: "SKIP" });
    await (await startProcess([skipping])).stop();
    clock = createManualClock(new Date(START.getTime() + PAST));
    await startProcess([skipping], { id: "b" });
    await untilHandled();
    expect(await launchedTimes()).toEqual([]);
    expect(await shown()).toMatchObject({
      lastOutcome: "SKIPPED",
      lastMessage: "Nobody was there at its due time, and its policy is SKIP.",
      nextRunAt: new Date(at(5 * HOUR + 10 * MINUTE)),
    });
  });
});

describe("a launch that is refused", () => {
  it("because of a conflict shows on the schedule, which goes on", async () => {
    const release = await hold(1);
    await engine.launched({
      operation: "UPDATE",
      change: { count: { set: 1 } },
      selection: { ids: ["1"] },
      options: { mode: "ASYNC" },
    });
    await startProcess([scheduleOf({ kind: "claiming", input: null, onConflict: "REJECT" })]);
    await pass(10 * MINUTE);
    expect(await shown()).toMatchObject({ lastOutcome: "REFUSED", lastTaskId: null });
    expect((await shown()).lastMessage).toMatch(/^Thing 1 is held by task/);
    await release();
  });

  it("never is so for a conflict under WAIT: the task stands in line, and only one does", async () => {
    const release = await hold(1);
    await engine.launched({
      operation: "UPDATE",
      change: { count: { set: 1 } },
      selection: { ids: ["1"] },
      options: { mode: "ASYNC" },
    });
    await startProcess([scheduleOf({ kind: "claiming", input: null })]);
    await pass(10 * MINUTE);
    const first = await shown();
    expect(first).toMatchObject({ lastOutcome: "LAUNCHED", lastTaskStatus: "WAITING" });
    await pass(10 * MINUTE);
    expect(await shown()).toMatchObject({
      lastOutcome: "SKIPPED",
      lastTaskId: first.lastTaskId,
      lastMessage: `Task ${first.lastTaskId} of an earlier launch still stands in line.`,
    });
    await release();
    expect((await engine.settled(first.lastTaskId ?? "")).status).toBe("SUCCEEDED");
    await pass(10 * MINUTE);
    expect(await launchedTimes()).toEqual([at(10 * MINUTE), at(30 * MINUTE)]);
  });

  it("by the task's access rule shows on the schedule", async () => {
    await startProcess([scheduleOf({ kind: "forbidden", input: null })]);
    await pass(10 * MINUTE);
    expect(await shown()).toMatchObject({
      lastOutcome: "REFUSED",
      lastMessage: "You may not launch forbidden with this input.",
    });
  });

  it("is accepted while the queue is away, and queued when it is back", async () => {
    isQueueDown = true;
    await startProcess([scheduleOf()]);
    await pass(10 * MINUTE);
    const { lastTaskId, lastOutcome } = await shown();
    expect([lastOutcome, (await engine.task(lastTaskId ?? "")).status]).toEqual(["LAUNCHED", "PENDING"]);
    isQueueDown = false;
    await sweep(engine.ports, { ...PATIENT, enqueueGraceMs: 0 });
    expect((await engine.settled(lastTaskId ?? "")).status).toBe("SUCCEEDED");
  });

  it("because a store is out of reach is tried again after 1 s, 2 s and so on, and shows meanwhile", async () => {
    let outages = 2;
    const tried: number[] = [];
    await startProcess([scheduleOf()], {
      async launch(request) {
        tried.push(clock.now().getTime() - START.getTime() - 10 * MINUTE);
        outages -= 1;
        return outages < 0
          ? launch(request)
          : { kind: "UNAVAILABLE", message: "The database cannot be reached." };
      },
    });
    clock.advance(10 * MINUTE);
    await vi.waitFor(async () => {
      clock.advance(0);
      expect(await shown()).toMatchObject({ lastOutcome: "UNAVAILABLE" });
    });
    await vi.waitFor(
      () => {
        clock.advance(100);
        expect(tried).toHaveLength(3);
      },
      { timeout: 20_000, interval: 2 },
    );
    await untilHandled();
    const [first = 0, second = 0, third = 0] = tried;
    expect([second - first >= 1000, third - second >= 2000]).toEqual([true, true]);
    expect(await launchedTimes()).toEqual([at(10 * MINUTE)]);
    expect(await shown()).toMatchObject({ lastOutcome: "LAUNCHED", lastMessage: null });
  });

  it("by a fault of the task's definition is given up in the end, and the schedule goes on", async () => {
    let faults = 0;
    await startProcess([scheduleOf()], {
      async launch() {
        faults += 1;
        throw new TypeError("claims is broken");
      },
    });
    clock.advance(10 * MINUTE);
    await vi.waitFor(
      async () => {
        clock.advance(5000);
        expect((await shown()).lastOutcome).toBe("REFUSED");
      },
      { timeout: 20_000, interval: 2 },
    );
    expect(faults).toBe(10);
    expect((await shown()).nextRunAt).toEqual(new Date(at(20 * MINUTE)));
  });
});

describe("a pause", () => {
  const use = () =>
    createSchedules({ ...sharedPorts(), names: ["often", "guarded"], definitions: engine.ports.definitions });
  const ada = { id: "ada" };

  it("launches nothing until it is resumed, and then the next due time; other processes hear of it", async () => {
    await startProcess([scheduleOf()]);
    await untilHandled();
    expect(await use().pause({ name: "often", viewer: ada })).toMatchObject({
      kind: "CHANGED",
      schedule: { pausedAt: START, pausedBy: "ada" },
    });
    expect(await use().pause({ name: "often", viewer: { id: "eve" } })).toMatchObject({
      schedule: { pausedBy: "ada" },
    });
    clock.advance(25 * MINUTE);
    const resumed = await use().resume({ name: "often", viewer: ada });
    expect(resumed).toMatchObject({
      kind: "CHANGED",
      schedule: { pausedAt: null, pausedBy: null, nextRunAt: new Date(at(30 * MINUTE)) },
    });
    // Without the message it would sleep for up to a minute more than it is told here.
    await vi.waitFor(
      async () => {
        clock.advance(5000);
        expect(await launchedTimes()).toEqual([at(30 * MINUTE)]);
      },
      { timeout: 20_000, interval: 2 },
    );
  });

  it("does not keep anybody from running the schedule out of turn, as the one who asks", async () => {
    await startProcess([scheduleOf()]);
    await use().pause({ name: "often", viewer: ada });
    const outcome = await use().run({ name: "often", viewer: ada });
    expect(outcome).toMatchObject({
      kind: "LAUNCHED",
      task: { viewer: ada, schedule: "often", input: { n: 1 } },
    });
    expect(await shown()).toMatchObject({
      lastOutcome: "LAUNCHED",
      nextRunAt: new Date(at(10 * MINUTE)),
      pausedBy: "ada",
    });
  });

  it("is for those who may launch the task, of schedules that are there", async () => {
    await startProcess([scheduleOf({ name: "guarded", kind: "forbidden", input: null })]);
    const request = { name: "guarded", viewer: { id: "eve" } };
    const refusal = { kind: "FORBIDDEN", message: "You may not change the schedule guarded." };
    expect(await use().pause(request)).toEqual(refusal);
    expect(await use().resume(request)).toEqual(refusal);
    expect(await use().run(request)).toMatchObject({ kind: "FORBIDDEN" });
    expect(await use().pause({ name: "guarded", viewer: ada })).toMatchObject({ kind: "CHANGED" });
    const missing = { kind: "MISSING", message: 'There is no schedule "never".' };
    expect(await use().pause({ name: "never", viewer: ada })).toEqual(missing);
    expect(await use().run({ name: "never", viewer: ada })).toEqual(missing);
  });
});

describe("the schedules of a config", () => {
  it("move to their new due time when they change, but one that is due is launched first", async () => {
    await (await startProcess([scheduleOf()])).stop();
    await startProcess([scheduleOf({ cron: "30 * * * *" })], { id: "two" });
    expect((await shown()).nextRunAt).toEqual(new Date(at(30 * MINUTE)));
    await Promise.all(running.splice(0).map((service) => service.stop()));
    clock = createManualClock(new Date(at(40 * MINUTE)));
    await startProcess([scheduleOf({ cron: "0 5 * * *", input: { n: 2 } })], { id: "three" });
    await untilHandled();
    expect(await launchedTimes()).toEqual([at(30 * MINUTE)]);
    expect(await shown()).toMatchObject({ nextRunAt: new Date(at(5 * HOUR)), input: { n: 2 } });
  });

  it("are those of the process that started last, and another's once that one is gone", async () => {
    await startProcess([scheduleOf()], { id: "old" });
    const latest = await startProcess([scheduleOf({ cron: "*/15 * * * *" })], { id: "new" });
    for (let step = 0; step < 10; step += 1) {
      const before = await keptAt();
      clock.advance(4000);
      await vi.waitFor(async () => expect(await keptAt()).toBeGreaterThan(before), { interval: 2 });
    }
    expect((await shown()).cron).toBe("*/15 * * * *");
    await latest.stop();
    await vi.waitFor(async () => {
      clock.advance(4000);
      expect((await shown()).cron).toBe("*/10 * * * *");
    });
    await pass(10 * MINUTE);
    expect(await launchedTimes()).not.toContain(at(15 * MINUTE));
  });

  it("of one process are left alone by another that lacks them, even while nobody has them", async () => {
    const other = scheduleOf({ name: "other", cron: "0 * * * *" });
    const first = await startProcess([scheduleOf(), other], { id: "one" });
    await first.stop();
    running.splice(0);
    clock = createManualClock(new Date(at(90 * MINUTE)));
    const second = await startProcess([scheduleOf()], { id: "two" });
    await untilHandled();
    expect(await launchedTimes("other")).toEqual([]);
    await second.stop();
    await startProcess([other], { id: "three" });
    await untilHandled("other");
    expect(await launchedTimes("other")).toEqual([at(60 * MINUTE)]);
  });

  it("are forgotten when no process has had them for a week", async () => {
    await (await startProcess([scheduleOf({ name: "old" })])).stop();
    clock = createManualClock(new Date(START.getTime() + 7 * 24 * HOUR + 1));
    await startProcess([scheduleOf()], { id: "two" });
    expect(await store.list(["old", "often"])).toMatchObject([{ name: "often" }]);
  });
});

it("two launches for one due time are one task, whatever the config says by then", async () => {
  const options = { idempotencyKey: "schedule:often:now" };
  const first = await launch(launchFor(scheduleOf(), options));
  expect(await launch(launchFor(scheduleOf(), options))).toMatchObject({
    kind: "LAUNCHED",
    isDuplicate: true,
    task: { id: (first as typeof first & { kind: "LAUNCHED" }).task.id },
  });
});
