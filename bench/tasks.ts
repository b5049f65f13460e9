import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { PowerCrud } from "../src/compose/create-powercrud.ts";
import { ANONYMOUS } from "../src/core/access/viewer.ts";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { bareQueueRates } from "./bare-queue.ts";
import type { BenchTools } from "./bench-tools.ts";
import { bareGraphileRates } from "./bare-graphile.ts";
import { countStatements } from "./count-statements.ts";
import type { Measure } from "./measure.ts";
import { inQuantiles } from "./statistics.ts";
import type { TaskProcess } from "./task-project.ts";
import { openTaskProject, storesOf, WAIT_MS } from "./task-project.ts";

/** Launches of one burst. */
const BURST = 1000;
const BURSTS = 3;
const SLOTS = 8;
const SYNC_LAUNCHES = 400;
/** Slots of each worker that waits, and how often each of them waits. */
const WAITING = { slots: 4, rounds: 8 };
const WORKERS = [1, 2, 4, 8];
/** Tasks of a burst that are looked at while it is under way. */
const LOOKED_AT = 20;

/** Measures tasks that do nothing, and bulk mutations of one record: what the engine itself costs. */
export async function measureTasks(tools: BenchTools, backend: BackendName): Promise<readonly Measure[]> {
  const pool = new pg.Pool({ connectionString: tools.stores.databaseUrl(backend), max: 1 });
  try {
    const small = await measureSmall(tools, pool, backend);
    return [...small, ...(await measureWaiting(tools, pool, backend))];
  } finally {
    await pool.end();
  }
}

async function measureSmall(
  { stores, ids }: BenchTools,
  pool: pg.Pool,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const common = storesOf(stores, backend);
  const powercrud = await openTaskProject({ ...common, role: "start", workerConcurrency: SLOTS });
  await powercrud.start();
  const measured = await measureBursts(powercrud, pool);
  const sync = await measureSync(powercrud, pool, ids);
  await powercrud.stop();
  const { accepted, settled, refused, own, queue, cpuMs } = measured;
  const bare = await bareQueueRates(stores, backend, BURST, SLOTS);
  const graphile = backend === "postgres" ? [await bareGraphileRates(stores, BURST, SLOTS)] : [];
  const rate = (name: string, here: number, floor: string, floorRate: number, target = "-"): Measure => ({
    name,
    value: `${here}/s`,
    floor: `${floor} ${floorRate}/s`,
    ratio: here / floorRate,
    target,
  });
  const toSettled = `launch to settled, ${SLOTS} slots`;
  const wanted = `≥ ${backend === "postgres" ? 0.3 : 0.1} × bare`;
  const none = { floor: "-", target: "-" };
  return [
    rate(`launches accepted, ${BURST} at once`, accepted, "BullMQ add", bare.added),
    { name: "of them refused", value: String(refused), floor: "-", target: "0" },
    rate(toSettled, settled, "BullMQ", bare.processed, wanted),
    ...graphile.map(({ processed }) => rate(toSettled, settled, "graphile-worker", processed)),
    {
      name: "statements a task, the engine's",
      value: own.toFixed(1),
      floor: `BullMQ's ${queue.toFixed(1)}`,
      target: "≤ 12",
    },
    { ...none, name: "CPU of the process a task", value: `${cpuMs.toFixed(2)} ms` },
    {
      name: `bulk update of one record, SYNC (${SYNC_LAUNCHES})`,
      value: inQuantiles(sync.tasks),
      floor: `UPDATE ${inQuantiles(sync.bare)}`,
      target: "p50 ≤ 5 ms",
    },
  ];
}

/** Bursts of tasks that do nothing. Rates in a second are those of the best burst; the rest is for each task. */
async function measureBursts(powercrud: PowerCrud, pool: pg.Pool) {
  await runBurst(powercrud, pool, "nothing", 200);
  const statements = countStatements();
  const cpu = process.cpuUsage();
  const bursts: Burst[] = [];
  for (let round = 0; round < BURSTS; round += 1) {
    bursts.push(await runBurst(powercrud, pool, "nothing", BURST));
  }
  const { user, system } = process.cpuUsage(cpu);
  const { own, queue } = statements.stop();
  const tasks = BURST * BURSTS;
  const best = bursts.reduce((a, b) => (a.settledMs < b.settledMs ? a : b));
  return {
    accepted: perSecond(BURST, best.acceptedMs),
    settled: perSecond(BURST, best.settledMs),
    refused: bursts.reduce((sum, { refused }) => sum + refused, 0),
    own: own / tasks,
    queue: queue / tasks,
    cpuMs: (user + system) / 1000 / tasks,
  };
}

/** One burst: how long until all launches were answered, and until all tasks were settled and cleaned. */
interface Burst {
  readonly acceptedMs: number;
  readonly settledMs: number;
  readonly refused: number;
}

let launched = 0;

async function runBurst(powercrud: PowerCrud, pool: pg.Pool, kind: string, count: number): Promise<Burst> {
  const start = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: count }, () =>
      powercrud.tasks.launch(kind, { number: (launched += 1) }, { mode: "ASYNC" }),
    ),
  );
  const acceptedMs = performance.now() - start;
  const ids = outcomes.flatMap((outcome) => (outcome.kind === "LAUNCHED" ? outcome.task.id : []));
  // The last ones first: looking at all of them every few milliseconds would be most of the work.
  while ((await areUncleaned(pool, ids.slice(-LOOKED_AT))) || (await areUncleaned(pool, ids))) {
    await delay(5);
  }
  return { acceptedMs, settledMs: performance.now() - start, refused: count - ids.length };
}

async function areUncleaned(pool: pg.Pool, ids: readonly string[]): Promise<boolean> {
  const text = "SELECT FROM powercrud.task WHERE id = ANY ($1::uuid[]) AND cleaned_at IS NULL LIMIT 1";
  return (await pool.query(text, [ids])).rows.length > 0;
}

/** In turns: a bulk update of one record in its request, and the bare UPDATE. */
async function measureSync(
  powercrud: PowerCrud,
  pool: pg.Pool,
  ids: readonly number[],
): Promise<{ readonly tasks: number[]; readonly bare: number[] }> {
  const tasks: number[] = [];
  const bare: number[] = [];
  for (const id of ids.slice(0, SYNC_LAUNCHES)) {
    const start = performance.now();
    const outcome = await powercrud.tasks.launchBulk({
      operation: "UPDATE",
      model: "City",
      selection: { ids: [String(id)] },
      change: { population: { increment: 1 } },
      viewer: ANONYMOUS,
      options: { mode: "SYNC" },
    });
    tasks.push(performance.now() - start);
    if (outcome.kind !== "LAUNCHED" || outcome.task.status !== "SUCCEEDED") {
      throw new Error(`the update of city ${id} failed: ${JSON.stringify(outcome)}`);
    }
    const bareStart = performance.now();
    await pool.query("UPDATE city SET population = population + 1 WHERE id = $1", [id]);
    bare.push(performance.now() - bareStart);
  }
  return { tasks, bare };
}

/** Tasks that wait for I/O, on more and more workers in processes of their own. */
async function measureWaiting(
  { stores }: BenchTools,
  pool: pg.Pool,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const common = storesOf(stores, backend);
  const client = await openTaskProject({ ...common, role: "client", workerConcurrency: 1 });
  await client.start();
  try {
    const rates: number[] = [];
    for (const workers of WORKERS) {
      const stop = await startWorkers(workers, { ...common, role: "work", workerConcurrency: WAITING.slots });
      const count = workers * WAITING.slots * WAITING.rounds;
      // New processes and connections are slow at first.
      await runBurst(client, pool, "wait", count);
      const { settledMs } = await runBurst(client, pool, "wait", count);
      rates.push((count * 1000) / settledMs);
      await stop();
    }
    const [alone = Number.NaN] = rates;
    return rates.map((rate, at) => ({
      name: `tasks that wait ${WAIT_MS} ms, ${WORKERS[at]} × ${WAITING.slots} slots`,
      value: `${rate.toFixed(1)}/s`,
      floor: `slots alone ${(((WORKERS[at] ?? 0) * WAITING.slots * 1000) / WAIT_MS).toFixed(0)}/s`,
      ratio: rate / alone,
      target: at === WORKERS.length - 1 ? "≥ 7 × one worker" : "-",
    }));
  } finally {
    await client.stop();
  }
}

/** @returns stops them */
async function startWorkers(count: number, options: TaskProcess): Promise<() => Promise<void>> {
  const script = new URL("task-worker.ts", import.meta.url).pathname;
  const workers = Array.from({ length: count }, () =>
    spawn(process.execPath, ["--import", "tsx", script, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  await Promise.all(workers.map((worker) => once(createInterface({ input: worker.stdout }), "line")));
  return async () => {
    const ended = workers.map((worker) => once(worker, "exit"));
    workers.forEach((worker) => worker.kill("SIGTERM"));
    await Promise.all(ended);
  };
}

function perSecond(count: number, ms: number): number {
  return Math.round((count * 1000) / ms);
}
