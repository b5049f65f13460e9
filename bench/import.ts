import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import pg from "pg";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { createTemporaryFolder } from "../test/support/temporary-folder.ts";
import { bareImport } from "./bare-import.ts";
import type { BenchDeployment } from "./bench-deployment.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import { peakMegabytes } from "./bench-process.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { median } from "./statistics.ts";

/** Set `BENCH_IMPORT_ROWS=1000000` for a large file, and `BENCH_IMPORT_NOTES=1000` for long rows: a text of so many characters in each. */
const ROWS = Number(process.env["BENCH_IMPORT_ROWS"] ?? 200_000);
const NOTES = Number(process.env["BENCH_IMPORT_NOTES"] ?? 0);
const ROUNDS = ROWS > 300_000 || NOTES > 0 ? 1 : 3;
/** Greater than all ids of GeoNames, so that only the bench's cities have such ids. */
const FIRST_ID = 1_500_000_000;
/** Limit of the heap in MB, as in a container of 1 GB; see bench/million.ts. */
const HEAP_LIMIT = 512;

/** An import as upsert, half of whose records are there, beside COPY into a staging table and one INSERT … ON CONFLICT, in turns. */
export async function measureImport(
  { stores }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const folder = await createTemporaryFolder("bench-import");
  const pool = new pg.Pool({ connectionString: stores.databaseUrl(backend), max: 2 });
  const file = join(folder.path, "cities.csv");
  await pipeline(Readable.from(cityLines()), createWriteStream(file));
  const deployment = await startBenchDeployment(stores, {
    backend,
    roles: ["start"],
    env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_LIMIT}`, POWERCRUD_AUDIT_LOG: "false" },
  });
  try {
    const pid = deployment.pids[0] ?? 0;
    const before = await peakMegabytes(pid);
    const bare: number[] = [];
    const ours: ImportTimes[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await prepare(pool);
      bare.push(await bareImport(pool, file));
      await prepare(pool);
      ours.push(await timeImport(deployment, file));
    }
    const rate = (times: readonly number[]): number => (ROWS * 1000) / median(times);
    const whole = rate(ours.map(({ received, written }) => received + written));
    const megabytes = Math.round((await stat(file)).size / 1e6);
    return [
      {
        name: `import of ${shown(ROWS)} rows (${megabytes} MB) as upsert, from the first byte to the end of the task`,
        value: `${shown(whole)} rows/s`,
        floor: `COPY and INSERT … ON CONFLICT: ${shown(rate(bare))} rows/s`,
        ratio: whole / rate(bare),
        target: "≥ 0.5",
      },
      {
        name: "of that, receiving and checking; writing",
        value: `${shown(rate(ours.map(({ received }) => received)))}; ${shown(rate(ours.map(({ written }) => written)))} rows/s`,
        floor: "",
        target: "",
      },
      {
        name: `resident memory of the service, at most (heap ≤ ${HEAP_LIMIT} MB)`,
        value: `${await peakMegabytes(pid)} MB`,
        floor: `before: ${before} MB`,
        target: "< 450 MB",
      },
    ];
  } finally {
    await deployment.stop();
    await pool.query("DELETE FROM city WHERE id >= $1", [FIRST_ID]);
    await pool.end();
    await folder.remove();
  }
}

function* cityLines(): Generator<string, undefined> {
  yield "id,name,countryCode,population,latitude,longitude,elevation,notes\n";
  // Equal letters would be compressed to nothing, by COPY's table but not in the chunks of a task, which are not compressed.
  const pool = randomBytes(3 * (NOTES + 1000)).toString("base64");
  for (let at = 0; at < ROWS; at += 1) {
    const place = `${(at % 180) - 90}.${at % 1000},${(at % 360) - 180}.${at % 977}`;
    const notes = pool.slice(at % 1000, (at % 1000) + NOTES);
    yield `${FIRST_ID + at},City ${at},${at % 2 === 0 ? "FR" : "DE"},${at},${place},${at % 3 === 0 ? "" : at % 4000},${notes}\n`;
  }
}

/** Every other of the file's records is there, in a freshly vacuumed table. */
async function prepare(pool: pg.Pool): Promise<void> {
  await pool.query("DELETE FROM city WHERE id >= $1", [FIRST_ID]);
  await pool.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude, updated_at)
     SELECT $1::int + at, 'Before ' || at, 'FR', 0, 1, 2, now() FROM generate_series(0, $2::int - 1, 2) AS at`,
    [FIRST_ID, ROWS],
  );
  await pool.query("VACUUM ANALYZE city");
  await pool.query("CHECKPOINT");
}

/** In ms. */
interface ImportTimes {
  readonly received: number;
  readonly written: number;
}

async function timeImport({ url, pool }: BenchDeployment, file: string): Promise<ImportTimes> {
  const start = performance.now();
  const upload = request(`${url}/imports/City?operation=upsert&errorPolicy=skip_failed`, {
    method: "POST",
    headers: { "content-type": "text/csv" },
  });
  const answered = once(upload, "response") as Promise<[IncomingMessage]>;
  await pipeline(createReadStream(file), upload);
  const [response] = await answered;
  const text = (await response.toArray()).join("");
  if (response.statusCode !== 202) {
    throw new Error(`the import was answered with ${response.statusCode}: ${text}`);
  }
  const received = performance.now() - start;
  const { task } = JSON.parse(text) as { readonly task: { readonly id: string } };
  for (;;) {
    const { rows } = await pool.query<{ status: string; succeeded: number }>(
      "SELECT status, succeeded FROM powercrud.task WHERE id = $1 AND finished_at IS NOT NULL",
      [task.id],
    );
    const [ended] = rows;
    if (ended !== undefined && (ended.status !== "SUCCEEDED" || ended.succeeded !== ROWS)) {
      throw new Error(`the import ended as ${JSON.stringify(ended)}`);
    }
    if (ended !== undefined) {
      return { received, written: performance.now() - start - received };
    }
    await sleep(20);
  }
}

function shown(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}
