import type { BenchTools, Measure } from "./measure.ts";
import { median, quantile } from "./statistics.ts";

const ROUNDS = 5;
/** The floor's statements take 1,000 rows each, as in the design's floors. */
const FLOOR_ROWS = 1000;

const LAUNCH = /* GraphQL */ `
  mutation ($selection: CitySelection!, $label: String!) {
    bulkUpdateCities(
      selection: $selection
      data: { population: { increment: 1 } }
      options: { errorPolicy: SKIP_FAILED, mode: ASYNC, label: $label, maxAffected: 1000000 }
    ) {
      __typename
      ... on TaskLaunched {
        task {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`;
const EVENTS = /* GraphQL */ `
  subscription {
    taskEvents {
      type
      at
      task {
        id
        label
        progress {
          succeeded
          failed
        }
      }
    }
  }
`;

interface Event {
  readonly type: string;
  readonly at: string;
  readonly task: {
    readonly label: string;
    readonly progress: { readonly succeeded: number; readonly failed: number };
  };
}

interface Round {
  readonly acceptMs: number;
  readonly totalMs: number;
  readonly latenciesMs: readonly number[];
}

/** Bulk update of 100,000 records from the mutation sent to COMPLETE received, by ids and by filter, beside the bare UPDATE. */
export async function measureBulkUpdate(tools: BenchTools): Promise<readonly Measure[]> {
  const { ids } = tools;
  const byIds = { ids: ids.map(String) };
  const byFilter = { where: { id: { lte: ids.at(-1) } } };
  await runRound(tools, byIds, "warm-up");
  const floors: number[] = [];
  const idRounds: Round[] = [];
  const filterRounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // In turns, and each on a freshly vacuumed table, so that neither inherits the other's dead rows.
    floors.push(await bareUpdate(tools));
    idRounds.push(await runRound(tools, byIds, `ids ${round}`));
    filterRounds.push(await runRound(tools, byFilter, `filter ${round}`));
  }
  const rate = (ms: number): number => (ids.length * 1000) / ms;
  const floor = rate(median(floors));
  const line = (name: string, rounds: readonly Round[]): Measure => {
    const value = rate(median(rounds.map((round) => round.totalMs)));
    return { name, value: perSecond(value), floor: perSecond(floor), ratio: value / floor, target: "≥ 0.5" };
  };
  const accept = (name: string, rounds: readonly Round[], target: string): Measure => {
    const ms = median(rounds.map((round) => round.acceptMs));
    return { name, value: `${ms.toFixed(0)} ms`, floor: "-", target };
  };
  const latencies = [...idRounds, ...filterRounds].flatMap((round) => round.latenciesMs);
  return [
    line("bulk update, 100,000 ids, mutation to COMPLETE", idRounds),
    line("bulk update, filter of 100,000, mutation to COMPLETE", filterRounds),
    accept("accepting 100,000 ids", idRounds, "≤ 300 ms"),
    accept("accepting a filter of 100,000", filterRounds, "≤ 400 ms"),
    {
      name: `progress published to received (${latencies.length} events)`,
      value: `p50 ${median(latencies).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms`,
      floor: await notifyFloor(tools),
      target: "< 5 ms, < 50 ms",
    },
  ];
}

async function bareUpdate({ pool, ids }: BenchTools): Promise<number> {
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
  { pool, socket, request, ids }: BenchTools,
  selection: object,
  label: string,
): Promise<Round> {
  await pool.query("VACUUM city");
  const subscription = socket.iterate<{ taskEvents: Event }>({ query: EVENTS });
  const latenciesMs: number[] = [];
  const start = performance.now();
  const accepting = accept();
  for await (const { data } of subscription) {
    const event = data?.taskEvents;
    if (event === undefined || event.task.label !== label) {
      continue;
    }
    if (event.type === "PROGRESS") {
      latenciesMs.push(Math.max(0, Date.now() - Date.parse(event.at)));
    }
    if (event.type === "COMPLETE" || event.type === "FAIL") {
      const totalMs = performance.now() - start;
      const { acceptMs, message } = await accepting;
      if (event.task.progress.succeeded !== ids.length) {
        throw new Error(`${label}: ${JSON.stringify(event)} ${message ?? ""}`);
      }
      return { acceptMs, totalMs, latenciesMs };
    }
  }
  throw new Error(`${label}: the subscription ended before the task`);

  async function accept(): Promise<{ acceptMs: number; message: string | undefined }> {
    const { bulkUpdateCities } = await request<{ bulkUpdateCities: { message?: string } }>(LAUNCH, {
      selection,
      label,
    });
    return { acceptMs: performance.now() - start, message: bulkUpdateCities.message };
  }
}

/** LISTEN/NOTIFY by itself: the round trip on one more connection. */
async function notifyFloor({ pool }: BenchTools): Promise<string> {
  const client = await pool.connect();
  await client.query("LISTEN bench");
  const samples: number[] = [];
  for (let sample = 0; sample < 200; sample += 1) {
    const start = performance.now();
    const heard = new Promise<void>((resolve) => void client.once("notification", () => resolve()));
    await pool.query("SELECT pg_notify('bench', 'x')");
    await heard;
    samples.push(performance.now() - start);
  }
  await client.query("UNLISTEN bench");
  client.release();
  return `NOTIFY p50 ${median(samples).toFixed(2)} ms`;
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en-US")} rows/s`;
}
