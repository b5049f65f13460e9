import pg from "pg";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import type { BenchTools } from "./bench-tools.ts";
import { peakMegabytes } from "./bench-process.ts";
import { launchBulkUpdate } from "./bulk-launch.ts";
import type { Measure } from "./measure.ts";

const FIRST_ID = 1_500_000_000;
const SMALL = 100_000;
const LARGE = 1_000_000;
/**
 * Limit of the heap in MB, as in a container of 1 GB. With much free memory, Node collects garbage late, and the result would
 * show that instead of the memory that the task needs.
 */
const HEAP_LIMIT = 512;

/** Measures the rate and the process' memory of a task on a million records, compared with one on 100,000. */
export async function measureMillion(
  { stores }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const pool = new pg.Pool({ connectionString: stores.databaseUrl(backend), max: 2 });
  await pool.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude, updated_at)
     SELECT $1::int + at, 'City ' || at, 'FR', 0, 1, 2, now() FROM generate_series(0, $2::int - 1) AS at`,
    [FIRST_ID, LARGE],
  );
  const deployment = await startBenchDeployment(stores, {
    backend,
    roles: ["start"],
    env: {
      POWERCRUD_BULK_MAX_RECORDS: String(LARGE),
      NODE_OPTIONS: `--max-old-space-size=${HEAP_LIMIT}`,
    },
  });
  try {
    const time = async (count: number): Promise<number> => {
      await pool.query("VACUUM city");
      const label = `${count} records`;
      const start = performance.now();
      const launched = launchBulkUpdate(
        deployment,
        { where: { id: { gte: FIRST_ID, lt: FIRST_ID + count } } },
        label,
      );
      for await (const { task, type, progress } of deployment.events()) {
        if (task.label === label && (type === "COMPLETE" || type === "FAIL")) {
          await launched;
          if (progress.succeeded !== count) {
            throw new Error(`${label}: only ${progress.succeeded} were written`);
          }
          return (count * 1000) / (performance.now() - start);
        }
      }
      throw new Error(`${label}: the subscription ended before the task`);
    };
    await time(SMALL);
    const small = await time(SMALL);
    const pid = deployment.pids[0] ?? 0;
    const before = await peakMegabytes(pid);
    const large = await time(LARGE);
    return [
      {
        name: "1,000,000 records in one task",
        value: `${Math.round(large).toLocaleString("en-US")} rows/s`,
        floor: `100,000: ${Math.round(small).toLocaleString("en-US")} rows/s`,
        ratio: large / small,
        target: "≥ 0.8",
      },
      {
        name: `resident memory of the process, at most (heap ≤ ${HEAP_LIMIT} MB)`,
        value: `${await peakMegabytes(pid)} MB`,
        floor: `after 100,000: ${before} MB`,
        target: "< 400 MB",
      },
    ];
  } finally {
    await deployment.stop();
    await pool.query("DELETE FROM city WHERE id >= $1", [FIRST_ID]);
    await pool.end();
  }
}
