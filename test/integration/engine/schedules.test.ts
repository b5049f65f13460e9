import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { launchFor } from "../../../src/core/schedules/launch-due.ts";
import { createSchedules } from "../../../src/core/schedules/schedules.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { createHeldThings } from "../../support/engine-fixture.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import type { ScheduleWorld } from "../../support/schedule-world.ts";
import { createScheduleWorld, SCHEDULES_START, scheduleOf } from "../../support/schedule-world.ts";
import { PATIENT } from "../../support/sweep-options.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = SCHEDULES_START;
const at = (ms: number): string => new Date(START.getTime() + ms).toISOString();

let world: ScheduleWorld;
const { hold, releaseAll } = createHeldThings(() => world.engine);

beforeAll(async () => {
  world = await createScheduleWorld();
});
afterAll(() => world.engine.stop());
beforeEach(() => world.reset());
afterEach(async () => {
  await releaseAll();
  await world.stopProcesses();
});

describe("a due time", () => {
  it("is launched once, whichever of several processes gets there", async () => {
    const often = scheduleOf({ cron: "* * * * * *" });
    await world.startProcess([often], { id: "one" });
    await world.startProcess([often], { id: "two" });
    for (let second = 1; second <= 60; second += 1) {
      await world.pass(1000);
    }
    expect(await world.launchedTimes()).toEqual(
      Array.from({ length: 60 }, (_, second) => at((second + 1) * 1000)),
    );
    expect(await world.shown()).toMatchObject({ lastOutcome: "LAUNCHED", lastRunAt: new Date(at(60_000)) });
  });

  it("becomes a task of the schedule's viewer, with its input and name", async () => {
    await world.startProcess([scheduleOf()]);
    await world.pass(10 * MINUTE);
    const task = await world.engine.settled((await world.shown()).lastTaskId ?? "");
    expect(task).toMatchObject({
      kind: "note",
      input: { n: 1 },
      viewer: { id: "schedule:often" },
      schedule: "often",
      status: "SUCCEEDED",
    });
  });

  it("that a process launched before it died is not launched again, and those after it are", async () => {
    const dying = { ...world.store, moveOn: () => new Promise<never>(() => undefined) };
    const first = await world.startProcess([scheduleOf()], { id: "dying", schedules: dying });
    world.clock.advance(10 * MINUTE);
    await vi.waitFor(async () => {
      world.clock.advance(0);
      expect(await world.launchedTimes()).toHaveLength(1);
    }, 20_000);
    // Its scheduler never ends.
    world.running.splice(world.running.indexOf(first), 1, first.keeper);
    world.clock = createManualClock(new Date(at(35 * MINUTE)));
    await world.startProcess([scheduleOf()], { id: "next" });
    await world.untilHandled();
    // 20 and 30 were missed, and are one launch.
    expect(await world.launchedTimes()).toEqual([at(10 * MINUTE), at(20 * MINUTE)]);
  });

  it("is late, not lost, while the machine's timers sleep; many of them are one launch", async () => {
    await world.startProcess([scheduleOf()]);
    await world.untilHandled();
    world.aheadMs = 25 * MINUTE;
    await world.pass(MINUTE);
    expect(await world.shown()).toMatchObject({ lastMessage: null, lastOutcome: "LAUNCHED" });
    expect(await world.launchedTimes()).toEqual([at(10 * MINUTE)]);
    expect((await world.shown()).nextRunAt).toEqual(new Date(at(30 * MINUTE)));
  });

  it("is not launched again when the database's clock is set back", async () => {
    await world.startProcess([scheduleOf()]);
    await world.pass(10 * MINUTE);
    world.aheadMs = -HOUR;
    await world.pass(MINUTE);
    await world.pass(40 * MINUTE);
    expect(await world.launchedTimes()).toEqual([at(10 * MINUTE)]);
    world.aheadMs = 0;
    await world.pass(MINUTE);
    // 20 to 50 by now: one launch for all.
    expect(await world.launchedTimes()).toEqual([at(10 * MINUTE), at(20 * MINUTE)]);
  });
});

describe("due times that nobody was there for", () => {
  const PAST = 5 * HOUR + 5 * MINUTE;

  it("are one launch under ONCE, however many processes come back", async () => {
    await (await world.startProcess([scheduleOf()])).stop();
    world.clock = createManualClock(new Date(START.getTime() + PAST));
    await Promise.all([
      world.startProcess([scheduleOf()], { id: "b" }),
      world.startProcess([scheduleOf()], { id: "c" }),
    ]);
    await world.untilHandled();
    expect(await world.launchedTimes()).toEqual([at(10 * MINUTE)]);
    expect((await world.shown()).nextRunAt).toEqual(new Date(at(5 * HOUR + 10 * MINUTE)));
  });

  it("are none under SKIP, which shows on the schedule", async () => {
    // option: schedules.missed
    const skipping = scheduleOf({ missed: "SKIP" });
    await (await world.startProcess([skipping])).stop();
    world.clock = createManualClock(new Date(START.getTime() + PAST));
    await world.startProcess([skipping], { id: "b" });
    await world.untilHandled();
    expect(await world.launchedTimes()).toEqual([]);
    expect(await world.shown()).toMatchObject({
      lastOutcome: "SKIPPED",
      lastMessage: "Nobody was there at its due time, and its policy is SKIP.",
      nextRunAt: new Date(at(5 * HOUR + 10 * MINUTE)),
    });
  });
});

describe("a launch that is refused", () => {
  it("because of a conflict shows on the schedule, which goes on", async () => {
    const release = await hold(1);
    await world.engine.launched({
      operation: "UPDATE",
      change: { count: { set: 1 } },
      selection: { ids: ["1"] },
      options: { mode: "ASYNC" },
    });
    // option: schedules.onConflict
    await world.startProcess([scheduleOf({ kind: "claiming", input: null, onConflict: "REJECT" })]);
    await world.pass(10 * MINUTE);
    expect(await world.shown()).toMatchObject({ lastOutcome: "REFUSED", lastTaskId: null });
    expect((await world.shown()).lastMessage).toMatch(/^Thing 1 is held by task/);
    await release();
  });

  it("never is so for a conflict under WAIT: the task stands in line, and only one does", async () => {
    const release = await hold(1);
    await world.engine.launched({
      operation: "UPDATE",
      change: { count: { set: 1 } },
      selection: { ids: ["1"] },
      options: { mode: "ASYNC" },
    });
    await world.startProcess([scheduleOf({ kind: "claiming", input: null })]);
    await world.pass(10 * MINUTE);
    const first = await world.shown();
    expect(first).toMatchObject({ lastOutcome: "LAUNCHED", lastTaskStatus: "WAITING" });
    await world.pass(10 * MINUTE);
    expect(await world.shown()).toMatchObject({
      lastOutcome: "SKIPPED",
      lastTaskId: first.lastTaskId,
      lastMessage: `Task ${first.lastTaskId} of an earlier launch still stands in line.`,
    });
    await release();
    expect((await world.engine.settled(first.lastTaskId ?? "")).status).toBe("SUCCEEDED");
    await world.pass(10 * MINUTE);
    expect(await world.launchedTimes()).toEqual([at(10 * MINUTE), at(30 * MINUTE)]);
  });

  it("by the task's access rule shows on the schedule", async () => {
    await world.startProcess([scheduleOf({ kind: "forbidden", input: null })]);
    await world.pass(10 * MINUTE);
    expect(await world.shown()).toMatchObject({
      lastOutcome: "REFUSED",
      lastMessage: "You may not launch forbidden with this input.",
    });
  });

  it("is accepted while the queue is away, and queued when it is back", async () => {
    world.isQueueDown = true;
    await world.startProcess([scheduleOf()]);
    await world.pass(10 * MINUTE);
    const { lastTaskId, lastOutcome } = await world.shown();
    expect([lastOutcome, (await world.engine.task(lastTaskId ?? "")).status]).toEqual([
      "LAUNCHED",
      "PENDING",
    ]);
    world.isQueueDown = false;
    await sweep(world.engine.ports, { ...PATIENT, enqueueGraceMs: 0 });
    expect((await world.engine.settled(lastTaskId ?? "")).status).toBe("SUCCEEDED");
  });

  it("because a store is out of reach is tried again after 1 s, 2 s and so on, and shows meanwhile", async () => {
    let outages = 2;
    const tried: number[] = [];
    await world.startProcess([scheduleOf()], {
      async launch(request) {
        tried.push(world.clock.now().getTime() - START.getTime() - 10 * MINUTE);
        outages -= 1;
        return outages < 0
          ? world.launch(request)
          : { kind: "UNAVAILABLE", message: "The database cannot be reached." };
      },
    });
    world.clock.advance(10 * MINUTE);
    await vi.waitFor(async () => {
      world.clock.advance(0);
      expect(await world.shown()).toMatchObject({ lastOutcome: "UNAVAILABLE" });
    }, 20_000);
    await vi.waitFor(
      () => {
        world.clock.advance(100);
        expect(tried).toHaveLength(3);
      },
      { timeout: 20_000, interval: 2 },
    );
    await world.untilHandled();
    const [first = 0, second = 0, third = 0] = tried;
    expect([second - first >= 1000, third - second >= 2000]).toEqual([true, true]);
    expect(await world.launchedTimes()).toEqual([at(10 * MINUTE)]);
    expect(await world.shown()).toMatchObject({ lastOutcome: "LAUNCHED", lastMessage: null });
  });

  it("by a fault of the task's definition is given up in the end, and the schedule goes on", async () => {
    let faults = 0;
    await world.startProcess([scheduleOf()], {
      async launch() {
        faults += 1;
        throw new TypeError("claims is broken");
      },
    });
    world.clock.advance(10 * MINUTE);
    await vi.waitFor(
      async () => {
        world.clock.advance(5000);
        expect((await world.shown()).lastOutcome).toBe("REFUSED");
      },
      { timeout: 20_000, interval: 2 },
    );
    expect(faults).toBe(10);
    expect((await world.shown()).nextRunAt).toEqual(new Date(at(20 * MINUTE)));
  });
});

describe("a pause", () => {
  const use = () =>
    createSchedules({
      ...world.sharedPorts(),
      names: ["often", "guarded"],
      definitions: world.engine.ports.definitions,
    });
  const ada = { id: "ada" };

  it("launches nothing until it is resumed, and then the next due time; other processes hear of it", async () => {
    await world.startProcess([scheduleOf()]);
    await world.untilHandled();
    expect(await use().pause({ name: "often", viewer: ada })).toMatchObject({
      kind: "CHANGED",
      schedule: { pausedAt: START, pausedBy: "ada" },
    });
    expect(await use().pause({ name: "often", viewer: { id: "eve" } })).toMatchObject({
      schedule: { pausedBy: "ada" },
    });
    world.clock.advance(25 * MINUTE);
    const resumed = await use().resume({ name: "often", viewer: ada });
    expect(resumed).toMatchObject({
      kind: "CHANGED",
      schedule: { pausedAt: null, pausedBy: null, nextRunAt: new Date(at(30 * MINUTE)) },
    });
    // Without the message it would sleep for up to a minute more than it is told here.
    await vi.waitFor(
      async () => {
        world.clock.advance(5000);
        expect(await world.launchedTimes()).toEqual([at(30 * MINUTE)]);
      },
      { timeout: 20_000, interval: 2 },
    );
  });

  it("does not keep anybody from running the schedule out of turn, as the one who asks", async () => {
    await world.startProcess([scheduleOf()]);
    await use().pause({ name: "often", viewer: ada });
    const outcome = await use().run({ name: "often", viewer: ada });
    expect(outcome).toMatchObject({
      kind: "LAUNCHED",
      task: { viewer: ada, schedule: "often", input: { n: 1 } },
    });
    expect(await world.shown()).toMatchObject({
      lastOutcome: "LAUNCHED",
      nextRunAt: new Date(at(10 * MINUTE)),
      pausedBy: "ada",
    });
  });

  it("is for those who may launch the task, of schedules that are there", async () => {
    await world.startProcess([scheduleOf({ name: "guarded", kind: "forbidden", input: null })]);
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
    await (await world.startProcess([scheduleOf()])).stop();
    await world.startProcess([scheduleOf({ cron: "30 * * * *" })], { id: "two" });
    expect((await world.shown()).nextRunAt).toEqual(new Date(at(30 * MINUTE)));
    await Promise.all(world.running.splice(0).map((service) => service.stop()));
    world.clock = createManualClock(new Date(at(40 * MINUTE)));
    await world.startProcess([scheduleOf({ cron: "0 5 * * *", input: { n: 2 } })], { id: "three" });
    await world.untilHandled();
    expect(await world.launchedTimes()).toEqual([at(30 * MINUTE)]);
    expect(await world.shown()).toMatchObject({ nextRunAt: new Date(at(5 * HOUR)), input: { n: 2 } });
  });

  it("are those of the process that started last, and another's once that one is gone", async () => {
    await world.startProcess([scheduleOf()], { id: "old" });
    const latest = await world.startProcess([scheduleOf({ cron: "*/15 * * * *" })], { id: "new" });
    for (let step = 0; step < 10; step += 1) {
      const before = await world.keptAt();
      world.clock.advance(4000);
      await vi.waitFor(async () => expect(await world.keptAt()).toBeGreaterThan(before), {
        timeout: 20_000,
        interval: 2,
      });
    }
    expect((await world.shown()).cron).toBe("*/15 * * * *");
    await latest.stop();
    await vi.waitFor(async () => {
      world.clock.advance(4000);
      expect((await world.shown()).cron).toBe("*/10 * * * *");
    }, 20_000);
    await world.pass(10 * MINUTE);
    expect(await world.launchedTimes()).not.toContain(at(15 * MINUTE));
  });

  it("of one process are left alone by another that lacks them, even while nobody has them", async () => {
    const other = scheduleOf({ name: "other", cron: "0 * * * *" });
    const first = await world.startProcess([scheduleOf(), other], { id: "one" });
    await first.stop();
    world.running.splice(0);
    world.clock = createManualClock(new Date(at(90 * MINUTE)));
    const second = await world.startProcess([scheduleOf()], { id: "two" });
    await world.untilHandled();
    expect(await world.launchedTimes("other")).toEqual([]);
    await second.stop();
    await world.startProcess([other], { id: "three" });
    await world.untilHandled("other");
    expect(await world.launchedTimes("other")).toEqual([at(60 * MINUTE)]);
  });

  it("are forgotten when no process has had them for a week", async () => {
    await (await world.startProcess([scheduleOf({ name: "old" })])).stop();
    world.clock = createManualClock(new Date(START.getTime() + 7 * 24 * HOUR + 1));
    await world.startProcess([scheduleOf()], { id: "two" });
    expect(await world.store.list(["old", "often"])).toMatchObject([{ name: "often" }]);
  });
});

it("two launches for one due time are one task, whatever the config says by then", async () => {
  const options = { idempotencyKey: "schedule:often:now" };
  const first = await world.launch(launchFor(scheduleOf(), options));
  expect(await world.launch(launchFor(scheduleOf(), options))).toMatchObject({
    kind: "LAUNCHED",
    isDuplicate: true,
    task: { id: (first as typeof first & { kind: "LAUNCHED" }).task.id },
  });
});
