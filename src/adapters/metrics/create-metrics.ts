import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** How a GraphQL operation ended: `refused` before it was executed, `failed` with an unexpected error. */
export type RequestOutcome = "ok" | "error" | "failed" | "refused";

/** The unsettled tasks of one kind in one status. */
export interface Backlog {
  readonly kind: string;
  readonly status: string;
  readonly count: number;
  /** Of the oldest of them, in seconds. */
  readonly ageSeconds: number;
}

/** How a pool of connections is used. */
export interface PoolUse {
  readonly name: string;
  readonly busy: number;
  readonly idle: number;
  /** Callers in line. */
  readonly waiting: number;
}

/** What is read when the metrics are. A member that cannot be read leaves its metrics out. */
export interface MetricSources {
  readonly backlog: () => Promise<readonly Backlog[]>;
  readonly pools: () => readonly PoolUse[];
  readonly subscribers: () => number;
}

/** Counts the members of a pass's summary. */
export function sizesOf(
  summary: Readonly<Record<string, number | readonly unknown[]>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(summary).map(([what, found]) => [what, typeof found === "number" ? found : found.length]),
  );
}

/** What one process does, for Prometheus. Labels have few values: no ids, and no names that clients choose. */
export interface Metrics {
  readonly contentType: string;
  /** All metrics as text. */
  read(): Promise<string>;
  request(operation: string, outcome: RequestOutcome, seconds: number): void;
  webSockets(count: number): void;
  launch(kind: string, outcome: string): void;
  write(operation: string, outcome: string): void;
  settled(kind: string, status: string): void;
  chunk(kind: string, seconds: number, records: Readonly<Record<string, number>>): void;
  conflict(operation: "launch" | "write"): void;
  lockWait(kind: string, waitedMs: number): void;
  event(latencySeconds: number): void;
  sweep(swept: Readonly<Record<string, number>>): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Tasks may wait for others that take hours. */
const WAIT_SECONDS = [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400];

/** Makes the metrics, in a registry of their own. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const { requests, webSockets, writes, conflicts, events } = requestMetrics([registry]);
  const { launches, settled, waits, chunks, records, sweeps, swept } = taskMetrics([registry]);
  const readAll = addReadings(registry, sources);
  let hasDefaults = false;
  return {
    contentType: registry.contentType,
    async read() {
      if (!hasDefaults) {
        hasDefaults = true;
        collectDefaultMetrics({ register: registry });
      }
      // While the database is away, the others are all the more wanted.
      await readAll().catch(() => undefined);
      return registry.metrics();
    },
    request: (operation, outcome, time) => requests.observe({ operation, outcome }, time),
    webSockets: (count) => webSockets.set(count),
    launch: (kind, outcome) => launches.inc({ kind, outcome }),
    write: (operation, outcome) => writes.inc({ operation, outcome }),
    settled: (kind, status) => settled.inc({ kind, status }),
    chunk(kind, time, counts) {
      chunks.observe({ kind }, time);
      for (const [outcome, count] of Object.entries(counts)) {
        records.inc({ kind, outcome }, count);
      }
    },
    conflict: (operation) => conflicts.inc({ operation }),
    lockWait: (kind, waitedMs) => waits.observe({ kind }, waitedMs / 1000),
    event: (latency) => events.observe(latency),
    sweep(counts) {
      sweeps.inc();
      for (const [what, count] of Object.entries(counts)) {
        swept.inc({ what }, count);
      }
    },
  };
}

function requestMetrics(registers: Registry[]) {
  return {
    requests: new Histogram({
      name: "powercrud_request_duration_seconds",
      help: "GraphQL operations by kind (query, mutation, subscription, none) and outcome (ok, error, failed, refused)",
      labelNames: ["operation", "outcome"],
      buckets: SECONDS,
      registers,
    }),
    webSockets: new Gauge({ name: "powercrud_websockets", help: "Open WebSockets", registers }),
    writes: new Counter({
      name: "powercrud_writes_total",
      help: "Single writes by operation and outcome (written, or the kind of refusal)",
      labelNames: ["operation", "outcome"],
      registers,
    }),
    conflicts: new Counter({
      name: "powercrud_lock_conflicts_total",
      help: "Launches and single writes that were refused since a task holds a record",
      labelNames: ["operation"],
      registers,
    }),
    events: new Histogram({
      name: "powercrud_event_latency_seconds",
      help: "Time from an event to its hand-over to the subscribers of this process",
      buckets: SECONDS,
      registers,
    }),
  };
}

function taskMetrics(registers: Registry[]) {
  return {
    launches: new Counter({
      name: "powercrud_launches_total",
      help: "Launches of tasks by kind and outcome (launched, duplicate, or the kind of refusal)",
      labelNames: ["kind", "outcome"],
      registers,
    }),
    settled: new Counter({
      name: "powercrud_tasks_settled_total",
      help: "Tasks that this process settled, by kind and status",
      labelNames: ["kind", "status"],
      registers,
    }),
    waits: new Histogram({
      name: "powercrud_lock_wait_seconds",
      help: "Time that a task with onConflict WAIT stood in line for its records, by kind of task",
      labelNames: ["kind"],
      buckets: WAIT_SECONDS,
      registers,
    }),
    chunks: new Histogram({
      name: "powercrud_chunk_duration_seconds",
      help: "Time that a chunk took to write, by kind of task; with ALL_OR_NOTHING and dry runs, all chunks together",
      labelNames: ["kind"],
      buckets: SECONDS,
      registers,
    }),
    records: new Counter({
      name: "powercrud_records_total",
      help: "Records of bulk operations by kind of task and outcome (succeeded, failed, skipped), dry runs included",
      labelNames: ["kind", "outcome"],
      registers,
    }),
    sweeps: new Counter({ name: "powercrud_sweeps_total", help: "Passes of the sweeper", registers }),
    swept: new Counter({
      name: "powercrud_swept_total",
      help: "What the sweeper's passes found, by what was done about it",
      labelNames: ["what"],
      registers,
    }),
  };
}

/** Adds the metrics that are read from elsewhere. @returns what reads them */
function addReadings(
  registry: Registry,
  { backlog, pools, subscribers }: MetricSources,
): () => Promise<void> {
  const registers = [registry];
  const tasks = new Gauge({
    name: "powercrud_tasks",
    help: "Unsettled tasks of the deployment by kind and status: PENDING ones are in the queue, WAITING ones wait for records",
    labelNames: ["kind", "status"],
    registers,
  });
  const oldest = new Gauge({
    name: "powercrud_oldest_task_seconds",
    help: "Age of the deployment's oldest unsettled task by status; of PENDING ones, the age of the queue",
    labelNames: ["status"],
    registers,
  });
  const connections = new Gauge({
    name: "powercrud_pool_connections",
    help: "Connections to the database by pool and state (busy, idle)",
    labelNames: ["pool", "state"],
    registers,
  });
  const waiting = new Gauge({
    name: "powercrud_pool_waiting",
    help: "Callers that wait for a connection, by pool",
    labelNames: ["pool"],
    registers,
  });
  const subscriptions = new Gauge({
    name: "powercrud_subscribers",
    help: "Open subscriptions to events of tasks",
    registers,
  });
  return async () => {
    subscriptions.set(subscribers());
    for (const { name: pool, busy, idle, waiting: inLine } of pools()) {
      connections.set({ pool, state: "busy" }, busy);
      connections.set({ pool, state: "idle" }, idle);
      waiting.set({ pool }, inLine);
    }
    tasks.reset();
    oldest.reset();
    const ages = new Map<string, number>();
    for (const { kind, status, count, ageSeconds } of await backlog()) {
      tasks.inc({ kind, status }, count);
      ages.set(status, Math.max(ages.get(status) ?? 0, ageSeconds));
    }
    ages.forEach((age, status) => oldest.set({ status }, age));
  };
}
