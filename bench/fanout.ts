import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { FanoutServer } from "./fanout-server.ts";
import type { FanoutSockets, ReceivedCount } from "./fanout-sockets.ts";
import type { Measure } from "./measure.ts";
import { inQuantiles, quantile } from "./statistics.ts";
import { storesOf } from "./task-project.ts";

const SOCKETS = 1000;
const IDLE_SOCKETS = 10_000;
const LAUNCHES = 48;
const LAUNCHERS = 4;
/** After this time a run ends with what it has, in ms. */
const MAX_RUN_MS = 60_000;
/** The system's unit of CPU time, in ms. */
const TICK_MS = 10;

const EVENTS = `subscription { taskEvents { cursor type at task { id status label } progress { processed percent } } }`;
const LAUNCH = `mutation ($ids: [ID!]!) {
  bulkUpdateCities(selection: {ids: $ids}, data: {population: {increment: 1}}, options: {mode: ASYNC, onConflict: WAIT}) {
    __typename
  }
}`;

/** What one server did. */
interface FanoutRun {
  readonly deliveriesPerSecond: number;
  readonly cpuMicrosPerDelivery: number;
  readonly launchMs: readonly number[];
}

/** Measures the events of tasks at 1,000 sockets with the same subscription, and what 10,000 idle ones take. */
export async function measureFanout(tools: BenchTools, backend: BackendName): Promise<readonly Measure[]> {
  const worker = await startScript("task-worker.ts", serverOf(tools, backend, { role: "work" }));
  try {
    const plain = await measureServer(tools, backend, true);
    const ours = await measureServer(tools, backend, false);
    return [
      {
        name: `deliveries to ${SOCKETS} sockets`,
        value: `${ours.deliveriesPerSecond.toFixed(0)}/s`,
        floor: `plain yoga ${plain.deliveriesPerSecond.toFixed(0)}/s`,
        ratio: ours.deliveriesPerSecond / plain.deliveriesPerSecond,
        target: "≥ 4",
      },
      {
        name: "CPU of the server per delivery",
        value: `${ours.cpuMicrosPerDelivery.toFixed(1)} µs`,
        floor: `plain yoga ${plain.cpuMicrosPerDelivery.toFixed(1)} µs`,
        ratio: plain.cpuMicrosPerDelivery / ours.cpuMicrosPerDelivery,
        target: "≥ 4",
      },
      {
        name: `a mutation meanwhile (${ours.launchMs.length})`,
        value: inQuantiles(ours.launchMs),
        floor: `plain yoga ${inQuantiles(plain.launchMs)}`,
        ratio: quantile(plain.launchMs, 0.99) / quantile(ours.launchMs, 0.99),
        target: "p99 < 100 ms",
      },
      await measureIdle(tools, backend),
    ];
  } finally {
    await worker.stop();
  }
}

function serverOf(
  { stores }: BenchTools,
  backend: BackendName,
  options: Pick<FanoutServer, "role"> & Partial<FanoutServer>,
): FanoutServer {
  return { ...storesOf(stores, backend), workerConcurrency: 4, isPlain: false, ...options };
}

async function measureServer(tools: BenchTools, backend: BackendName, isPlain: boolean): Promise<FanoutRun> {
  const server = await startScript("fanout-server.ts", serverOf(tools, backend, { role: "serve", isPlain }));
  const url = server.ready.replace("ready ", "");
  const clients = await startSockets({ url, sockets: SOCKETS, query: EVENTS });
  try {
    const launch = launcherOf(url, tools.ids);
    // The first operation of its kind is slower.
    await launch(0);
    await received(clients, SOCKETS);
    const before = await clients.count();
    const cpuBefore = await cpuMsOf(server.pid);
    const startedAt = performance.now();
    const launchMs: number[] = [];
    let launched = 0;
    await Promise.all(
      Array.from({ length: LAUNCHERS }, async () => {
        while (launched < LAUNCHES) {
          launched += 1;
          const sentAt = performance.now();
          await launch(launched);
          launchMs.push(performance.now() - sentAt);
        }
      }),
    );
    const after = await received(clients, SOCKETS * (1 + LAUNCHES));
    const ms = performance.now() - startedAt;
    const deliveries = after.messages - before.messages;
    return {
      deliveriesPerSecond: (deliveries / ms) * 1000,
      cpuMicrosPerDelivery: (((await cpuMsOf(server.pid)) - cpuBefore) / deliveries) * 1000,
      launchMs,
    };
  } finally {
    await clients.stop();
    await server.stop();
  }
}

function launcherOf(url: string, ids: readonly number[]): (number: number) => Promise<void> {
  return async (number) => {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: LAUNCH, variables: { ids: [String(ids[number])] } }),
    });
    const text = await response.text();
    if (!text.includes("TaskLaunched")) {
      throw new Error(text);
    }
  };
}

/** Waits until the sockets have received the ends. */
async function received(clients: Sockets, ends: number): Promise<ReceivedCount> {
  const deadline = performance.now() + MAX_RUN_MS;
  for (;;) {
    const count = await clients.count();
    if (count.ends >= ends || performance.now() > deadline) {
      return count;
    }
    await delay(20);
  }
}

async function measureIdle(tools: BenchTools, backend: BackendName): Promise<Measure> {
  const server = await startScript("fanout-server.ts", serverOf(tools, backend, { role: "serve" }));
  const before = await megabytesOf(server.pid);
  const url = server.ready.replace("ready ", "");
  const sockets = await allowedSockets();
  const clients = await startSockets({ url, sockets, query: EVENTS });
  try {
    await delay(2000);
    return {
      name: `memory of the server with ${sockets} idle subscriptions`,
      value: `${(await megabytesOf(server.pid)).toFixed(0)} MB`,
      floor: `without sockets ${before.toFixed(0)} MB`,
      target: "< 1000 MB at 10,000",
    };
  } finally {
    await clients.stop();
    await server.stop();
  }
}

/** As many as the system lets one process have open. Node has raised its own limit as far as it may. */
async function allowedSockets(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const files = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? IDLE_SOCKETS);
  return Math.min(IDLE_SOCKETS, files - 500);
}

/** A process that runs a script of this folder. */
interface BenchScript {
  /** Its first line. */
  readonly ready: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** The next line. */
  line(): Promise<string>;
  stop(): Promise<void>;
}

async function startScript(script: string, argument: object): Promise<BenchScript> {
  const path = new URL(script, import.meta.url).pathname;
  const child = spawn(process.execPath, ["--import", "tsx", path, JSON.stringify(argument)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const step = await lines.next();
    if (step.done === true) {
      throw new Error(`${script} has ended`);
    }
    return step.value;
  };
  return {
    ready: await line(),
    pid: child.pid ?? 0,
    child,
    line,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

interface Sockets {
  count(): Promise<ReceivedCount>;
  stop(): Promise<void>;
}

async function startSockets(options: FanoutSockets): Promise<Sockets> {
  const script = await startScript("fanout-sockets.ts", options);
  return {
    async count() {
      script.child.stdin?.write("count\n");
      return JSON.parse(await script.line()) as ReceivedCount;
    },
    stop: () => script.stop(),
  };
}

/** The CPU time of a process so far. Only Linux reports it. */
async function cpuMsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The resident memory of a process. Only Linux reports it. */
async function megabytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
