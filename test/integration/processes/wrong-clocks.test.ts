import pg from "pg";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import { completeConfig } from "../../../src/config/config.ts";
import type { Deployment } from "../../../src/compose/open-deployment.ts";
import { openDeployment } from "../../../src/compose/open-deployment.ts";
import { sweepNow } from "../../../src/core/sweeper/sweep.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { createSystemClock } from "../../../src/kernel/clock.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../../src/index.ts";
import { createAnnouncer } from "../../../src/worker/create-announcer.ts";
import { sampleTask } from "../../contract/sample-task.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const HOUR_MS = 3_600_000;
const LEASE_MS = 60_000;

let database: TestDatabase;
let sql: pg.Client;
const open: Deployment[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  sql = new pg.Client(database.url);
  await sql.connect();
});
afterAll(async () => {
  for (const deployment of open) {
    await deployment.close();
  }
  await sql.end();
  await database.drop();
});

/** The deployment of a process whose machine's clock is wrong by that many ms. */
function openAt(wrongByMs: number): Deployment {
  const system = createSystemClock();
  const clock: Clock = { ...system, now: () => new Date(system.now().getTime() + wrongByMs) };
  const deployment = openDeployment({
    config: completeConfig(),
    databaseUrl: database.url,
    backend: { name: "postgres", reason: "test" },
    clock,
    logger: createSilentLogger(),
  });
  open.push(deployment);
  return deployment;
}

async function announce({ ports, processes, followTime }: Deployment, id: string): Promise<void> {
  const { clock, logger } = ports;
  const startedAt = clock.now();
  const role = "work";
  const process = {
    id,
    role,
    backend: "postgres",
    host: "a",
    pid: 1,
    concurrency: 1,
    kinds: [],
    startedAt,
  } as const;
  const register = processes;
  const announcer = createAnnouncer({ register, process, silenceMs: LEASE_MS, clock, followTime, logger });
  await announcer.start();
}

it("processes whose clocks are hours apart count each other and each other's tasks as alive", async () => {
  const late = openAt(-HOUR_MS);
  const early = openAt(HOUR_MS);
  await announce(late, "late");
  await announce(early, "early");
  const since = new Date(early.ports.clock.now().getTime() - LEASE_MS);
  expect((await early.processes.list(since)).map(({ id }) => id).toSorted()).toEqual(["early", "late"]);

  const { clock, tasks, unitOfWork } = late.ports;
  const task = sampleTask({ createdAt: clock.now() });
  await unitOfWork.run(async (transaction) => {
    await tasks.create(transaction, task);
    const begin = { taskId: task.id, expectedAttempt: 0, workerId: "late", at: clock.now() };
    await tasks.beginAttempt(transaction, begin);
  });
  const options = { enqueueGraceMs: 0, beginGraceMs: 0, leaseMs: LEASE_MS, cleanGraceMs: 0 };
  const { summary, leftAlone } = await sweepNow(early.ports, options);
  expect([summary.rescued, leftAlone.map(({ taskId }) => taskId)]).toEqual([[], [task.id]]);

  const { rows } = await sql.query<{ name: string; off: number }>(
    `SELECT id AS name, abs(extract(epoch FROM clock_timestamp() - seen_at))::float8 AS off FROM powercrud.process
     UNION ALL SELECT 'task', abs(extract(epoch FROM clock_timestamp() - created_at))::float8 FROM powercrud.task
     UNION ALL SELECT 'lease', abs(extract(epoch FROM clock_timestamp() - heartbeat_at))::float8 FROM powercrud.attempt`,
  );
  expect(rows).toHaveLength(4);
  expect(rows.filter(({ off }) => off > 50)).toEqual([]);
});

/** Sets the clock of this process wrong by that many ms, and lets it go on. */
function setMachineClock(wrongByMs: number): void {
  vi.unstubAllGlobals();
  const Real = Date;
  const now = (): number => Real.now() + wrongByMs;
  const WrongDate = new Proxy(Real, {
    construct: (_target, parts: unknown[]) =>
      Reflect.construct(Real, parts.length === 0 ? [now()] : parts) as Date,
    get: (_target, name) => (name === "now" ? now : (Reflect.get(Real, name) as unknown)),
  });
  vi.stubGlobal("Date", WrongDate);
}

it("a process whose machine's clock is set while it runs ends no lease, and no schedule comes early", async () => {
  let end = (): void => undefined;
  const run = () => new Promise<void>((resolve) => (end = resolve));
  const [tick, long] = [
    defineTask({ kind: "tick", run: async () => null }),
    defineTask({ kind: "long", run }),
  ];
  const halfAnHour = (new Date().getMinutes() + 30) % 60;
  const powercrud = await createPowerCrud({
    config: defineConfig({
      ...demoConfig,
      tasks: [tick, long],
      schedules: [
        { name: "ticks", cron: "* * * * * *", task: tick },
        { name: "later", cron: `${halfAnHour} * * * *`, task: tick },
      ],
    }),
    databaseUrl: database.url,
    settings: { leaseMs: 6000 },
  });
  onTestFinished(() => {
    end();
    return powercrud.stop();
  });
  await powercrud.start();
  const ticks = (): Promise<number> => powercrud.tasks.count({ schedules: ["ticks"] });
  const launched = await powercrud.tasks.launch(long, null);
  const id = launched.kind === "LAUNCHED" ? launched.task.id : launched.message;
  await expect.poll(async () => (await powercrud.tasks.get(id))?.status).toBe("RUNNING");
  onTestFinished(() => void vi.unstubAllGlobals());
  for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
    setMachineClock(jumpMs);
    const before = await ticks();
    await expect.poll(ticks).toBeGreaterThan(before + 1);
  }
  expect((await powercrud.schedules.list()).map(({ name, lastOutcome }) => [name, lastOutcome])).toEqual([
    ["later", null],
    ["ticks", "LAUNCHED"],
  ]);
  end();
  expect(await powercrud.tasks.wait(id)).toMatchObject({ status: "SUCCEEDED", attempt: 1 });
});
