import { expect, vi } from "vitest";
import { z } from "zod";
import { createCron } from "../../src/adapters/cron/croner-cron.ts";
import { createPostgresScheduleStore } from "../../src/adapters/postgres/postgres-schedule-store.ts";
import type { LaunchScheduled } from "../../src/core/schedules/launch-due.ts";
import type { ConfiguredSchedule, Schedule } from "../../src/core/schedules/schedule.ts";
import type { ScheduleStore } from "../../src/core/schedules/schedule-store.ts";
import type { SchedulesPorts } from "../../src/core/schedules/schedules.ts";
import { defineTask } from "../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../src/core/tasks/launch/launch-custom.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import type { Service } from "../../src/kernel/service.ts";
import { createScheduleKeeper } from "../../src/worker/create-schedule-keeper.ts";
import { createScheduler } from "../../src/worker/create-scheduler.ts";
import type { EngineFixture } from "./engine-fixture.ts";
import { createEngineFixture } from "./engine-fixture.ts";
import type { ManualClock } from "./manual-clock.ts";
import { createManualClock } from "./manual-clock.ts";
import { insertThings } from "./thing-fixture.ts";
import { emptying } from "./empty-tables.ts";

/** When the clock of each test begins. */
export const SCHEDULES_START = new Date("2026-01-01T00:00:00.000Z");

const TASKS = [
  defineTask({ kind: "note", input: z.object({ n: z.number() }), run: async () => undefined }),
  defineTask({
    kind: "claiming",
    claims: () => [{ model: "Thing", ids: ["1"] }],
    run: async () => undefined,
  }),
  defineTask({ kind: "forbidden", access: ({ viewer }) => viewer.id === "ada", run: async () => 1 }),
];

/** A schedule of the task `note`, every ten minutes. */
export function scheduleOf(changes: Partial<ConfiguredSchedule> = {}): ConfiguredSchedule {
  return {
    name: "often",
    kind: "note",
    input: { n: 1 },
    cron: "*/10 * * * *",
    timeZone: "UTC",
    viewer: { id: "schedule:often" },
    missed: "ONCE",
    onConflict: "WAIT",
    ...changes,
  };
}

/** What the services of a process need, on a clock that the test sets. */
type SharedPorts = Omit<SchedulesPorts, "names" | "definitions" | "schedules" | "bus"> & {
  readonly schedules: ScheduleStore;
  readonly bus: EngineFixture["ports"]["bus"];
};

/** Keepers and schedulers of several processes over one engine, and one clock for all of them. */
export interface ScheduleWorld {
  readonly engine: EngineFixture;
  readonly store: ScheduleStore;
  /** Of the processes that are started from now on. */
  clock: ManualClock;
  /** How far the database's clock is ahead of the timers. */
  aheadMs: number;
  /** Whether the queue takes no task. */
  isQueueDown: boolean;
  /** Stopped after each test. */
  readonly running: Service[];
  readonly launch: LaunchScheduled;
  /** Deletes schedules and tasks, and sets the clock to {@link SCHEDULES_START}. */
  reset(): Promise<void>;
  sharedPorts(): SharedPorts;
  /** Starts what a process with these schedules would: the keeper and the scheduler. */
  startProcess(
    configured: readonly ConfiguredSchedule[],
    ports?: { readonly id?: string } & Partial<SharedPorts>,
  ): Promise<Service & { readonly keeper: Service }>;
  stopProcesses(): Promise<void>;
  /** The schedule as it is stored. Default: "often". */
  shown(name?: string): Promise<Schedule>;
  /** The due times for which tasks were launched, in the order of the launches. */
  launchedTimes(name?: string): Promise<readonly string[]>;
  /** When the schedule's keeper last kept it, in ms. */
  keptAt(): Promise<number>;
  /** Waits until the schedule has moved past the present. */
  untilHandled(name?: string): Promise<void>;
  /** Lets that much time pass, and waits until the schedule has moved past it. */
  pass(ms: number): Promise<void>;
}

export async function createScheduleWorld(): Promise<ScheduleWorld> {
  const engine = await createEngineFixture({
    tasks: TASKS,
    queue: (real) => ({
      ...real,
      enqueue: (tasks) =>
        world.isQueueDown ? Promise.reject(new Error("the queue is away")) : real.enqueue(tasks),
    }),
  });
  await insertThings(engine.session, 3);
  const world: ScheduleWorld = {
    engine,
    store: createPostgresScheduleStore({ session: engine.session }),
    clock: createManualClock(SCHEDULES_START),
    aheadMs: 0,
    isQueueDown: false,
    running: [],
    launch(request) {
      const settings = { ...engine.ports.settings, whenQueueDown: "wait" as const };
      return launchCustom({ ...engine.ports, settings }, request);
    },
    async reset() {
      Object.assign(world, { clock: createManualClock(SCHEDULES_START), aheadMs: 0, isQueueDown: false });
      await engine.session.query(emptying("powercrud.schedule, powercrud.task, powercrud.lock"));
    },
    sharedPorts: () => ({
      schedules: world.store,
      cron: createCron(),
      launch: world.launch,
      bus: engine.ports.bus,
      clock: followedClock(world),
      logger: createSilentLogger(),
    }),
    startProcess: (configured, ports) => startProcess(world, configured, ports),
    async stopProcesses() {
      await Promise.all(world.running.splice(0).map((service) => service.stop()));
    },
    ...readersOf(engine, () => world),
  };
  return world;
}

function followedClock(world: ScheduleWorld): Clock {
  const { clock } = world;
  return { ...clock, now: () => new Date(clock.now().getTime() + world.aheadMs) };
}

const startProcess = async (
  world: ScheduleWorld,
  configured: readonly ConfiguredSchedule[],
  { id = "one", ...ports }: { readonly id?: string } & Partial<SharedPorts> = {},
): Promise<Service & { readonly keeper: Service }> => {
  const shared = { ...world.sharedPorts(), ...ports };
  const names = configured.map(({ name }) => name);
  const keeper = createScheduleKeeper({ ...shared, configured, keeper: id, silenceMs: 10_000 });
  const knows = (kind: string): boolean => world.engine.ports.definitions.find(kind) !== undefined;
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
  world.running.push(service);
  return service;
};

function readersOf(
  { session }: EngineFixture,
  worldOf: () => ScheduleWorld,
): Pick<ScheduleWorld, "shown" | "launchedTimes" | "keptAt" | "untilHandled" | "pass"> {
  const shown = async (name = "often"): Promise<Schedule> => {
    const [schedule] = await worldOf().store.list([name]);
    if (schedule === undefined) {
      throw new Error(`there is no schedule ${name}`);
    }
    return schedule;
  };
  const untilHandled = (name = "often"): Promise<void> =>
    vi.waitFor(
      async () => {
        const world = worldOf();
        // An alarm that was set for the present after the clock had moved rings only now.
        world.clock.advance(0);
        const { nextRunAt } = await shown(name);
        expect(nextRunAt?.getTime()).toBeGreaterThan(followedClock(world).now().getTime());
      },
      { timeout: 20_000, interval: 5 },
    );
  return {
    shown,
    untilHandled,
    async launchedTimes(name = "often") {
      const rows = await session.query<{ key: string }>(
        "SELECT idempotency_key AS key FROM powercrud.task WHERE schedule = $1 ORDER BY id",
        [name],
      );
      return rows.map(({ key }) => key.slice(`schedule:${name}:`.length));
    },
    async keptAt() {
      const [row] = await session.query<{ at: Date }>("SELECT kept_at AS at FROM powercrud.schedule");
      return row?.at.getTime() ?? 0;
    },
    async pass(ms) {
      worldOf().clock.advance(ms);
      await untilHandled();
    },
  };
}
