import { createEmulatedKeys } from "../src/adapters/postgres/effects/foreign-keys.ts";
import { createTextRows } from "../src/adapters/postgres/connection/text-rows.ts";
import { toDecimal } from "../src/adapters/prisma/column-from-json.ts";
import { createPgSession } from "../src/adapters/postgres/connection/pg-session.ts";
import { createPostgresRecordWriter } from "../src/adapters/postgres/writes/postgres-record-writer.ts";
import { recordSetSql } from "../src/adapters/postgres/sql/bulk-record-set.ts";
import { createTableShapes } from "../src/adapters/postgres/records/table-shape.ts";
import { readModelRegistry } from "../src/adapters/prisma/read-model-registry.ts";
import { schemaOf } from "../src/compose/define-config.ts";
import demoConfig from "../powercrud.config.ts";
import type { RecordWork } from "../src/core/bulk/record-writer.ts";
import type { Model } from "../src/core/records/model.ts";
import type { RecordBatch } from "../src/core/tasks/record-batch.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { LockBench } from "./lock-bench.ts";
import { openLockBench } from "./lock-bench.ts";
import type { Measure } from "./measure.ts";
import { measureSingleUpdate } from "./single-update.ts";
import { inMs, median } from "./statistics.ts";

const ROUNDS = 2000;
const WARM_UPS = 300;

/** Measures how much the guard adds to the statement of a single update, and the time of the whole mutation. */
export async function measureGuard({ stores, ids }: BenchTools): Promise<readonly Measure[]> {
  const bench = openLockBench(stores);
  let guard: Measure;
  try {
    guard = await measureStatement(bench, ids);
  } finally {
    await bench.close();
  }
  return [guard, await measureSingleUpdate({ databaseUrl: stores.databaseUrl("postgres"), ids })];
}

/** In turns: the statement with its guard, without it, and without it after a `SELECT 1`. */
async function measureStatement(bench: LockBench, ids: readonly number[]): Promise<Measure> {
  const session = createPgSession(bench.pool);
  const shapes = createTableShapes(session);
  const work: RecordWork = { operation: "UPDATE_EACH", model: cityModel(), scope: undefined };
  const table = await shapes.of(work.model);
  const { unitOfWork, locks } = bench;
  // Plain work needs no transaction of the app's client.
  const unused = undefined as never;
  const writer = createPostgresRecordWriter({
    session,
    unitOfWork,
    records: unused,
    shapes,
    locks,
    defaults: unused,
    emulatedKeys: createEmulatedKeys(session, []),
    rows: createTextRows(bench.pool),
    toDecimal,
  });
  const bare = async (batch: RecordBatch): Promise<void> => {
    const { text, values } = recordSetSql(table, work, batch);
    await session.query(text, values);
  };
  const kinds = [
    async (batch: RecordBatch): Promise<void> => void (await writer.writeGuarded(work, batch)),
    bare,
    async (batch: RecordBatch): Promise<void> => {
      await session.query("SELECT 1");
      await bare(batch);
    },
  ].map((write) => ({ write, times: [] as number[] }));
  for (let round = 0; round < WARM_UPS + ROUNDS; round += 1) {
    // The first statement finds the row's page uncached, so each one comes first in turn.
    for (const at of kinds.keys()) {
      const kind = kinds[(at + round) % kinds.length];
      const start = performance.now();
      await kind?.write({
        ids: [String(ids[round])],
        fields: ["update:population"],
        columns: [[String(round)]],
      });
      kind?.times.push(performance.now() - start);
    }
  }
  const [guarded = [], plain = [], afterEmpty = []] = kinds.map(({ times }) => times.slice(WARM_UPS));
  const added = (times: readonly number[]): readonly number[] =>
    times.map((ms, round) => ms - (plain[round] ?? Number.NaN));
  return {
    name: "what the guard adds to an update, p50",
    value: inMs(median(added(guarded))),
    floor: `SELECT 1 in its place ${inMs(median(added(afterEmpty)))}`,
    ratio: median(added(guarded)) / median(added(afterEmpty)),
    target: "≤ 0.5 ms",
  };
}

function cityModel(): Model {
  return readModelRegistry(schemaOf(demoConfig), demoConfig.models ?? {}).get("City");
}
