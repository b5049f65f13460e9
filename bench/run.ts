import { cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import pg from "pg";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { startBenchStores } from "./bench-stores.ts";
import type { BenchTools } from "./bench-tools.ts";
import { measureOperations } from "./bulk-operations.ts";
import { measureBulkUpdate } from "./bulk-update.ts";
import { measureCancel } from "./cancel.ts";
import { measureExport } from "./export.ts";
import { measureFanout } from "./fanout.ts";
import { measureFiles } from "./files.ts";
import { measureGuard } from "./guard.ts";
import { measureGuards } from "./guards.ts";
import { measureImport } from "./import.ts";
import { measureLatency } from "./latency.ts";
import { measureModels } from "./many-models.ts";
import { measureMillion } from "./million.ts";
import { measureLocks } from "./locks.ts";
import { measureLoop } from "./loop.ts";
import type { Measure } from "./measure.ts";
import { measurePeers, PEER_ROWS } from "./peers/measure-peers.ts";
import { measurePreviews } from "./previews.ts";
import { measureTasks } from "./tasks.ts";

/** The number of records that the design's target figures are for. */
const RECORDS = 100_000;

type Section = (tools: BenchTools, backend: BackendName) => Promise<readonly Measure[]>;

const SECTIONS: Readonly<Record<string, Section>> = {
  locks: measureLocks,
  guard: measureGuard,
  guards: measureGuards,
  bulk: measureBulkUpdate,
  operations: measureOperations,
  million: measureMillion,
  previews: measurePreviews,
  loop: measureLoop,
  latency: measureLatency,
  cancel: measureCancel,
  tasks: measureTasks,
  models: measureModels,
  peers: measurePeers,
  fanout: measureFanout,
  export: measureExport,
  import: measureImport,
  files: measureFiles,
};
const BACKENDS: readonly BackendName[] = ["postgres", "redis"];
/** Sections that do not depend on the backend. */
const WITHOUT_BACKEND: ReadonlySet<string> = new Set([
  "locks",
  "guard",
  "guards",
  "previews",
  "loop",
  "models",
  "peers",
  "export",
]);
/** The rows of a section that can be measured alone, by names such as `peers:update`. */
const ROWS = new Map(PEER_ROWS.map((row) => [`peers:${row}`, { section: "peers", row }]));

const wanted = wantedOf(parseArgs({ allowPositionals: true }).positionals);
const stores = await startBenchStores();
try {
  const ids = await readIds(stores.databaseUrl("postgres"));
  const tools: BenchTools = { stores, ids, rows: wanted.rows };
  printMachine(stores.versions);
  for (const section of wanted.sections) {
    const isOnce = WITHOUT_BACKEND.has(section);
    for (const backend of isOnce ? wanted.backends.slice(0, 1) : wanted.backends) {
      const title = isOnce ? section : `${section} on ${backend}`;
      printTable(title, (await SECTIONS[section]?.(tools, backend)) ?? []);
    }
  }
} finally {
  await stores.stop();
}

/**
 * Takes names of sections, rows and backends in any order. Without sections and rows it takes all sections, without backends
 * both of them.
 */
function wantedOf(names: readonly string[]): {
  sections: readonly string[];
  /** Empty: all rows. */
  rows: readonly string[];
  backends: readonly BackendName[];
} {
  const all = [...Object.keys(SECTIONS), ...ROWS.keys(), ...BACKENDS];
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new Error(`there is no section or backend ${unknown}; there are: ${all.join(", ")}`);
  }
  const rows = names.flatMap((name) => ROWS.get(name) ?? []);
  const sections = [...names, ...rows.map(({ section }) => section)];
  const orAll = <Name extends string>(known: readonly Name[], named: readonly string[]): readonly Name[] => {
    const chosen = known.filter((name) => named.includes(name));
    return chosen.length > 0 ? chosen : known;
  };
  return {
    sections: orAll(Object.keys(SECTIONS), sections),
    rows: names.includes("peers") ? [] : rows.map(({ row }) => row),
    backends: orAll(BACKENDS, names),
  };
}

async function readIds(databaseUrl: string): Promise<readonly number[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const text = "SELECT id FROM city ORDER BY id LIMIT $1";
    return (await client.query<{ id: number }>(text, [RECORDS])).rows.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

function printMachine(versions: string): void {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]?.toFixed(1) ?? "?";
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? "?"}, ${gigabytes} GB, load ${load}; Node ${process.versions.node}, ${versions}`,
  );
}

function printTable(title: string, measures: readonly Measure[]): void {
  const lines = measures.map(({ name, value, floor, ratio, target }) => [
    name,
    value,
    floor,
    ratio?.toFixed(2) ?? "-",
    target,
  ]);
  const table = [[title, "here", "bare stack", "ratio", "target"], ...lines];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((line) => (line[column] ?? "").length))) ?? [];
  console.log();
  for (const line of table) {
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}
