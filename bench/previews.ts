import { readFileSync } from "node:fs";
import pg from "pg";
import demoConfig from "../powercrud.config.ts";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { PowerCrud } from "../src/index.ts";
import { ANONYMOUS, createPowerCrud } from "../src/index.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { median } from "./statistics.ts";

const ROUNDS = 9;
/** Linux counts the processor time of a process in hundredths of a second. */
const TICK_MS = 10;
/** A role that may make no temporary tables: its dry runs have no preview. */
const BARE_ROLE = "bench_bare";

/**
 * A dry run of 100,000 records with its preview, and without one, in turns: the processor time of this process and of the
 * connections of PostgreSQL.
 */
export async function measurePreviews(
  { stores, ids }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const url = new URL(stores.databaseUrl(backend));
  const pool = new pg.Pool({ connectionString: url.href, max: 2 });
  const bareUrl = await makeBareRole(pool, url);
  const services = await Promise.all([url.href, bareUrl].map((databaseUrl) => startService(databaseUrl)));
  try {
    const times: [previewed: number[], bare: number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [at, powercrud] of services.entries()) {
        await pool.query("VACUUM city");
        times[at as 0 | 1].push(await timeDryRun(powercrud, pool, ids.map(String)));
      }
    }
    const [ours, bare] = times.map((each) => median(each.slice(1))) as [number, number];
    return [
      {
        name: "dry run of 100,000 with its preview, processor time",
        value: `${Math.round(ours)} ms`,
        floor: `without ${Math.round(bare)} ms`,
        ratio: ours / bare,
        target: "≤ 1.1",
      },
    ];
  } finally {
    await Promise.all(services.map((powercrud) => powercrud.stop()));
    await pool.end();
  }
}

/** @returns the address at which the role connects */
async function makeBareRole(pool: pg.Pool, url: URL): Promise<string> {
  const owner = decodeURIComponent(url.username);
  const database = url.pathname.slice(1);
  const exists = (await pool.query("SELECT FROM pg_roles WHERE rolname = $1", [BARE_ROLE])).rowCount === 1;
  if (!exists) {
    await pool.query(`CREATE ROLE ${BARE_ROLE} LOGIN PASSWORD 'bench' IN ROLE "${owner}"`);
  }
  await pool.query(`REVOKE TEMPORARY ON DATABASE "${database}" FROM PUBLIC, "${owner}"`);
  return Object.assign(new URL(url), { username: BARE_ROLE, password: "bench" }).href;
}

async function startService(databaseUrl: string): Promise<PowerCrud> {
  const powercrud = await createPowerCrud({
    config: demoConfig,
    databaseUrl,
    settings: { backend: "postgres" },
  });
  await powercrud.start();
  return powercrud;
}

async function timeDryRun(powercrud: PowerCrud, pool: pg.Pool, ids: readonly string[]): Promise<number> {
  const [own, before] = [process.cpuUsage(), await serverTimes(pool)];
  const outcome = await powercrud.tasks.launchBulk({
    model: "City",
    operation: "UPDATE",
    change: { population: { increment: 1 } },
    selection: { ids },
    viewer: ANONYMOUS,
    options: { mode: "SYNC", dryRun: true },
  });
  if (outcome.kind !== "LAUNCHED" || outcome.task.status !== "SUCCEEDED") {
    throw new Error(JSON.stringify(outcome));
  }
  const { user, system } = process.cpuUsage(own);
  const server = [...(await serverTimes(pool))].map(([pid, time]) => time - (before.get(pid) ?? 0));
  return server.reduce((sum, time) => sum + time, (user + system) / 1000);
}

/** The processor time of each connection so far, in ms. */
async function serverTimes(pool: pg.Pool): Promise<ReadonlyMap<number, number>> {
  const { rows } = await pool.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' ORDER BY pid",
  );
  return new Map(rows.map(({ pid }) => [pid, timeOf(pid)]));
}

function timeOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    // The connection has just been closed.
    return 0;
  }
}
