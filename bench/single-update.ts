import { graphql } from "graphql";
import pg from "pg";
import demoConfig from "../powercrud.config.ts";
import { ANONYMOUS, createPowerCrud } from "../src/index.ts";

const ROUNDS = 2000;
const WARM_UPS = 300;

const UPDATE = `mutation ($id: ID!, $population: Int!) {
  updateCity(id: $id, data: { population: $population }) { ... on UpdateCityPayload { city { id population } } }
}`;
/** The times of the same change on the bare driver. */
const BARE = "UPDATE city SET population = $2, updated_at = now() WHERE id = $1 RETURNING id, population";

/** A line of the bench. */
interface Line {
  readonly name: string;
  readonly value: string;
  readonly floor: string;
  readonly ratio: number;
  readonly target: string;
}

/**
 * Measures a whole `updateCity` without hooks, including the payload, and the same change on the bare driver. Uses only the
 * public library, so that it runs on earlier versions, too.
 */
export async function measureSingleUpdate(options: {
  readonly databaseUrl: string;
  readonly ids: readonly number[];
}): Promise<Line> {
  const powercrud = await createPowerCrud({
    config: demoConfig,
    databaseUrl: options.databaseUrl,
    role: "serve",
    settings: { backend: "postgres" },
  });
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 1 });
  const update = async (id: number, population: number): Promise<void> => {
    const variableValues = { id: String(id), population };
    const contextValue = { viewer: ANONYMOUS };
    const { data } = await graphql({
      schema: powercrud.schema,
      source: UPDATE,
      variableValues,
      contextValue,
    });
    if (JSON.stringify(data) !== JSON.stringify({ updateCity: { city: { id: String(id), population } } })) {
      throw new Error(`the update of ${id} was refused: ${JSON.stringify(data)}`);
    }
  };
  try {
    const here: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < WARM_UPS + ROUNDS; round += 1) {
      const id = options.ids[round] ?? Number.NaN;
      here.push(await timed(() => update(id, round)));
      bare.push(await timed(() => pool.query(BARE, [id, round])));
    }
    const statements = await countStatements(() => update(options.ids[0] ?? Number.NaN, 1));
    const [median, floor] = [here, bare].map((times) => medianOf(times.slice(WARM_UPS)));
    return {
      name: `single update, whole mutation (${statements} statements), p50`,
      value: `${median?.toFixed(2)} ms`,
      floor: `UPDATE ${floor?.toFixed(2)} ms`,
      ratio: (median ?? Number.NaN) / (floor ?? Number.NaN),
      target: "-",
    };
  } finally {
    await pool.end();
    await powercrud.stop();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function medianOf(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

/** Counts the statements that this process sends to PostgreSQL meanwhile, over all connections. */
async function countStatements(work: () => Promise<unknown>): Promise<number> {
  const { query } = pg.Client.prototype;
  let count = 0;
  pg.Client.prototype.query = function counted(this: pg.Client, ...args: unknown[]) {
    count += 1;
    return (query as (...given: unknown[]) => unknown).apply(this, args);
  } as typeof query;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = query;
  }
  return count;
}
