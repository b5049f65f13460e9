import type { BackendName } from "../src/core/processes/process-register.ts";
import { bareBus } from "./bare-bus.ts";
import type { BenchDeployment } from "./bench-deployment.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import type { BenchTools } from "./bench-tools.ts";
import { launchBulkUpdate } from "./bulk-launch.ts";
import type { Measure } from "./measure.ts";
import { inMedian, inQuantiles, median } from "./statistics.ts";

const ROUNDS = 5;
/** The floor's statements take 1,000 rows each, as in the design's floors. */
const FLOOR_ROWS = 1000;

interface Round {
  readonly acceptMs: number;
  readonly totalMs: number;
  readonly latenciesMs: readonly number[];
}

/** Bulk update of 100,000 records from the mutation sent to COMPLETE received, by ids and by filter, beside the bare UPDATE. */
export async function measureBulkUpdate(
  { stores, ids }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const deployment = await startBenchDeployment(stores, { backend, roles: ["start"] });
  try {
    const byIds = { ids: ids.map(String) };
    const byFilter = { where: { id: { lte: ids.at(-1) } } };
    await runRound(deployment, byIds, ids.length, "warm-up");
    const floors: number[] = [];
    const idRounds: Round[] = [];
    const filterRounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // In turns, and each on a freshly vacuumed table, so that neither inherits the other's dead rows.
      floors.push(await bareUpdate(deployment, ids));
      idRounds.push(await runRound(deployment, byIds, ids.length, `ids ${round}`));
      filterRounds.push(await runRound(deployment, byFilter, ids.length, `filter ${round}`));
    }
    const rate = (ms: number): number => (ids.length * 1000) / ms;
    const floor = rate(median(floors));
    const line = (name: string, rounds: readonly Round[]): Measure => {
      const value = rate(median(rounds.map((round) => round.totalMs)));
      return {
        name,
        value: perSecond(value),
        floor: perSecond(floor),
        ratio: value / floor,
        target: "≥ 0.9",
      };
    };
    const accept = (name: string, rounds: readonly Round[], target: string): Measure => {
      return { name, value: inMedian(rounds.map((round) => round.acceptMs)), floor: "-", target };
    };
    const latencies = [...idRounds, ...filterRounds].flatMap((round) => round.latenciesMs);
    return [
      line("bulk update, 100,000 ids, mutation to COMPLETE", idRounds),
      line("bulk update, filter of 100,000, mutation to COMPLETE", filterRounds),
      accept("accepting 100,000 ids", idRounds, "≤ 300 ms"),
      accept("accepting a filter of 100,000", filterRounds, "≤ 400 ms"),
      {
        name: `progress published to received (${latencies.length} events)`,
        value: inQuantiles(latencies),
        floor: inQuantiles(await bareBus(stores, backend, deployment.pool)),
        target: "< 5 ms, < 50 ms",
      },
    ];
  } finally {
    await deployment.stop();
  }
}

async function bareUpdate({ pool }: BenchDeployment, ids: readonly number[]): Promise<number> {
  await pool.query("VACUUM city");
  const start = performance.now();
  for (let at = 0; at < ids.length; at += FLOOR_ROWS) {
    await pool.query(
      "UPDATE city SET population = population + 1, updated_at = now() WHERE id = ANY ($1::int[])",
      [ids.slice(at, at + FLOOR_ROWS)],
    );
  }
  return performance.now() - start;
}

async function runRound(
  deployment: BenchDeployment,
  selection: object,
  count: number,
  label: string,
): Promise<Round> {
  await deployment.pool.query("VACUUM city");
  const latenciesMs: number[] = [];
  const start = performance.now();
  const accepting = launchBulkUpdate(deployment, selection, label).then(() => performance.now() - start);
  for await (const event of deployment.events()) {
    if (event.task.label !== label) {
      continue;
    }
    if (event.type === "PROGRESS") {
      latenciesMs.push(Math.max(0, Date.now() - Date.parse(event.at)));
    }
    if (event.type === "COMPLETE" || event.type === "FAIL") {
      const totalMs = performance.now() - start;
      if (event.progress.succeeded !== count) {
        throw new Error(`${label}: ${JSON.stringify(event)}`);
      }
      return { acceptMs: await accepting, totalMs, latenciesMs };
    }
  }
  throw new Error(`${label}: the subscription ended before the task`);
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en-US")} rows/s`;
}
