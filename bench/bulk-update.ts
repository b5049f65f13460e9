import type { BackendName } from "../src/core/processes/process-register.ts";
import { bareBus } from "./bare-bus.ts";
import { timeBareLocks } from "./bare-locks.ts";
import { timeBareUpdate } from "./bare-update.ts";
import type { BenchDeployment } from "./bench-deployment.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import type { BenchTools } from "./bench-tools.ts";
import { launchBulkUpdate } from "./bulk-launch.ts";
import type { Measure } from "./measure.ts";
import { inMedian, inQuantiles, median } from "./statistics.ts";

const ROUNDS = 5;
/** Rows per bare statement. */
const FLOOR_ROWS = 1000;

interface Round {
  readonly acceptMs: number;
  readonly totalMs: number;
  readonly latenciesMs: readonly number[];
}

/** The times of all rounds in ms, of the service and of the bare statements. */
interface Rounds {
  readonly byIds: Round[];
  readonly byFilter: Round[];
  readonly bareUpdates: number[];
  readonly bareLocks: number[];
}

/** Bulk update of 100,000 records from the mutation sent to COMPLETE received, by ids and by filter, beside the bare UPDATE. */
export async function measureBulkUpdate(
  { stores, ids }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const deployment = await startBenchDeployment(stores, { backend, roles: ["start"] });
  try {
    const rounds = await runRounds(deployment, ids);
    const latencies = [...rounds.byIds, ...rounds.byFilter].flatMap((round) => round.latenciesMs);
    return [
      ...linesOf(rounds, ids.length),
      {
        name: `progress published to received (${latencies.length} events)`,
        value: inQuantiles(latencies),
        floor: `bus ${inQuantiles(await bareBus(stores, backend, deployment.pool))}`,
        target: "< 5 ms, < 50 ms",
      },
    ];
  } finally {
    await deployment.stop();
  }
}

async function runRounds(deployment: BenchDeployment, ids: readonly number[]): Promise<Rounds> {
  const { pool } = deployment;
  const names = ids.map(String);
  const byIds = { ids: names };
  const byFilter = { where: { id: { lte: ids.at(-1) } } };
  await runRound(deployment, byIds, ids.length, "warm-up");
  const rounds: Rounds = { byIds: [], byFilter: [], bareUpdates: [], bareLocks: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    // In turns, each on a freshly vacuumed table, so that no run is slowed down by dead rows of another.
    rounds.bareUpdates.push(await timeBareUpdate(pool, ids, FLOOR_ROWS));
    rounds.bareLocks.push((await timeBareLocks({ pool }, names)).takeMs);
    rounds.byIds.push(await runRound(deployment, byIds, ids.length, `ids ${round}`));
    rounds.byFilter.push(await runRound(deployment, byFilter, ids.length, `filter ${round}`));
  }
  return rounds;
}

function linesOf({ byIds, byFilter, bareUpdates, bareLocks }: Rounds, count: number): readonly Measure[] {
  const rate = (times: readonly number[]): number => (count * 1000) / median(times);
  const update = (selection: string, rounds: readonly Round[]): Measure => {
    const [value, floor] = [rate(rounds.map((round) => round.totalMs)), rate(bareUpdates)];
    return {
      name: `bulk update, ${selection}, mutation to COMPLETE`,
      value: perSecond(value),
      floor: perSecond(floor),
      ratio: value / floor,
      target: "≥ 0.9",
    };
  };
  const accept = (selection: string, rounds: readonly Round[], target: string): Measure => {
    const times = rounds.map((round) => round.acceptMs);
    return {
      name: `accepting ${selection}`,
      value: inMedian(times),
      floor: `locks alone ${inMedian(bareLocks)}`,
      ratio: median(times) / median(bareLocks),
      target,
    };
  };
  return [
    update("100,000 ids", byIds),
    update("filter of 100,000", byFilter),
    accept("100,000 ids", byIds, "≤ 300 ms"),
    accept("a filter of 100,000", byFilter, "≤ 400 ms"),
  ];
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
