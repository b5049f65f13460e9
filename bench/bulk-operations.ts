import pg from "pg";
import demoConfig from "../powercrud.config.ts";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { generated } from "../src/generated/powercrud.ts";
import type { BulkRequest, PowerCrud } from "../src/index.ts";
import { ANONYMOUS, createPowerCrud, defineConfig } from "../src/index.ts";
import type { BareOperation, BenchCity } from "./bare-operations.ts";
import { bareCreate, bareDelete, bareLink, bareUpdate, bareUpdateEach } from "./bare-operations.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { median } from "./statistics.ts";

const ROUNDS = 3;
/** Greater than all ids of GeoNames, so that only the bench's cities have such ids. */
const FIRST_ID = 1_500_000_000;
const TAG = "0195f8f0-0000-7000-8000-0000000000be";

/** One operation and its bare statements. */
interface Operation {
  readonly name: string;
  /** Whether the cities exist before the operation. */
  readonly hasCities: boolean;
  /** Whether a hook in TypeScript checks each record. */
  readonly hasValidator?: true;
  readonly request: (cities: readonly BenchCity[]) => Partial<BulkRequest>;
  readonly bare: BareOperation;
  readonly target: string;
}

const OPERATIONS: readonly Operation[] = [
  {
    name: "update each",
    hasCities: true,
    request: (cities) => ({
      operation: "UPDATE_EACH",
      records: cities.map(({ id, population }) => ({ id: String(id), data: { population } })),
    }),
    bare: bareUpdateEach,
    target: "≥ 0.5",
  },
  {
    name: "create",
    hasCities: false,
    request: (cities) => ({
      operation: "CREATE",
      records: cities.map((city) => ({ ...city, countryCode: "FR", latitude: 1, longitude: 2 })),
    }),
    bare: bareCreate,
    target: "≥ 0.5",
  },
  {
    name: "delete",
    hasCities: true,
    request: (cities) => ({
      operation: "DELETE",
      selection: { ids: cities.map(({ id }) => String(id)) },
    }),
    bare: bareDelete,
    target: "≥ 0.5",
  },
  {
    name: "add a tag to each",
    hasCities: true,
    request: (cities) => ({
      operation: "UPDATE",
      change: { tags: { add: [TAG] } },
      selection: { ids: cities.map(({ id }) => String(id)) },
    }),
    bare: bareLink(TAG),
    target: "≥ 0.4",
  },
  {
    name: "update with a validator",
    hasCities: true,
    hasValidator: true,
    request: (cities) => ({
      operation: "UPDATE",
      change: { population: { increment: 1 } },
      selection: { ids: cities.map(({ id }) => String(id)) },
    }),
    bare: bareUpdate,
    target: "≥ 0.2",
  },
];

/** The demo with a hook in TypeScript that checks each record and its change. */
const VALIDATED_CONFIG = defineConfig({
  ...demoConfig,
  generated,
  models: {
    City: {
      validate: (city, change) =>
        (city?.population ?? 0) + (change.population?.increment ?? 0) < 0
          ? [{ message: "Nobody lives in a negative number.", field: "population" }]
          : [],
    },
  },
});

/** Measures every bulk operation on 100,000 records, from its launch in this process to its end, and bare statements. */
export async function measureOperations(
  { stores, ids }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const databaseUrl = stores.databaseUrl(backend);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  const cities = ids.map((_id, at) => ({ id: FIRST_ID + at, name: `City ${at}`, population: at }));
  try {
    await pool.query("INSERT INTO tag (id, label) VALUES ($1, 'bench') ON CONFLICT DO NOTHING", [TAG]);
    const measures: Measure[] = [];
    for (const operation of OPERATIONS) {
      const powercrud = await createPowerCrud({
        config: operation.hasValidator ? VALIDATED_CONFIG : demoConfig,
        databaseUrl,
        settings: backend === "redis" ? { redisUrl: stores.redisUrl, backend } : { backend },
      });
      try {
        await powercrud.start();
        measures.push(await measureOperation(powercrud, pool, operation, cities));
      } finally {
        await powercrud.stop();
      }
    }
    return measures;
  } finally {
    await empty(pool);
    await pool.end();
  }
}

async function measureOperation(
  powercrud: PowerCrud,
  pool: pg.Pool,
  operation: Operation,
  cities: readonly BenchCity[],
): Promise<Measure> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await prepare(pool, operation, cities);
    bare.push(await operation.bare(pool, cities));
    await prepare(pool, operation, cities);
    ours.push(await timeLaunch(powercrud, operation.request(cities)));
  }
  const rate = (times: readonly number[]): number => (cities.length * 1000) / median(times);
  return {
    name: `bulk ${operation.name}, launch to COMPLETE`,
    value: `${Math.round(rate(ours)).toLocaleString("en-US")} rows/s`,
    floor: `${Math.round(rate(bare)).toLocaleString("en-US")} rows/s`,
    ratio: rate(ours) / rate(bare),
    target: operation.target,
  };
}

/** Measures each on a freshly filled and vacuumed table, so that no run is slowed down by dead rows of another. */
async function prepare(pool: pg.Pool, { hasCities }: Operation, cities: readonly BenchCity[]): Promise<void> {
  await empty(pool);
  if (hasCities) {
    await bareCreate(pool, cities);
  }
  await pool.query("VACUUM ANALYZE city");
  await pool.query('VACUUM ANALYZE "_CityToTag"');
}

async function empty(pool: pg.Pool): Promise<void> {
  await pool.query("DELETE FROM city WHERE id >= $1", [FIRST_ID]);
}

async function timeLaunch(powercrud: PowerCrud, request: Partial<BulkRequest>): Promise<number> {
  const start = performance.now();
  const outcome = await powercrud.tasks.launchBulk({
    model: "City",
    viewer: ANONYMOUS,
    options: { errorPolicy: "SKIP_FAILED", mode: "ASYNC" },
    ...request,
  } as BulkRequest);
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(outcome.message);
  }
  for await (const task of powercrud.feed.watch(outcome.task.id)) {
    if (task.finishedAt !== null && task.status !== "SUCCEEDED") {
      throw new Error(`${task.kind}: ${task.status} ${task.message}`);
    }
  }
  return performance.now() - start;
}
