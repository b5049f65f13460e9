import type { BackendName } from "../src/core/processes/process-register.ts";
import type { BenchDeployment } from "./bench-deployment.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import type { BenchTools } from "./bench-tools.ts";
import { refuseHostileFiles } from "./hostile-files.ts";
import type { Measure } from "./measure.ts";

/** Each city with its links, but for what the database and Prisma compute. */
const CITIES = `
  SELECT count(*)::int AS count, md5(string_agg(row::text, E'\\n' ORDER BY id)) AS hash FROM (
    SELECT id, to_jsonb(c) - '{updated_at,rank_in_country,population_share}'::text[] || jsonb_build_object('tags', (
      SELECT jsonb_agg("B" ORDER BY "B") FROM "_CityToTag" WHERE "A" = c.id)) AS row
    FROM city c) AS rows`;

/**
 * Sends all cities through a file in each format, deletes them between export and import, and compares them row by row; then
 * sends files that must be refused. @throws unless all cities come back as they were
 */
export async function measureFiles(
  { stores }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const deployment = await startBenchDeployment(stores, {
    backend,
    roles: ["serve", "work"],
    env: { POWERCRUD_AUDIT_LOG: "false" },
  });
  try {
    const tag =
      "INSERT INTO tag (id, label) VALUES (gen_random_uuid(), 'bench') ON CONFLICT (label) DO NOTHING";
    await deployment.pool.query(tag);
    await deployment.pool.query(
      `INSERT INTO "_CityToTag" SELECT c.id, t.id FROM city c, tag t WHERE c.id % 50 = 0 AND t.label = 'bench' ON CONFLICT DO NOTHING`,
    );
    const measures: Measure[] = [];
    for (const format of ["csv", "jsonl"] as const) {
      measures.push(await throughFile(deployment, format));
    }
    return [...measures, ...(await refuseHostileFiles(deployment))];
  } finally {
    await deployment.stop();
  }
}

async function throughFile({ pool, url }: BenchDeployment, format: "csv" | "jsonl"): Promise<Measure> {
  const [before] = (await pool.query<{ count: number; hash: string }>(CITIES)).rows;
  const start = performance.now();
  const file = await (await fetch(`${url}/exports/City.${format}`)).blob();
  const exported = performance.now();
  await pool.query("DELETE FROM city");
  const deleted = performance.now();
  const answer = await fetch(`${url}/imports/City?operation=create&mode=async`, {
    method: "POST",
    headers: { "content-type": format === "csv" ? "text/csv" : "application/jsonl" },
    body: file,
  });
  const { task } = (await answer.json()) as { readonly task: { readonly id: string } };
  await untilSettled(pool, task.id);
  const written = performance.now();
  const [after] = (await pool.query<{ count: number; hash: string }>(CITIES)).rows;
  if (after?.hash !== before?.hash) {
    throw new Error(
      `${before?.count} cities were exported as ${format}, and ${after?.count} came back otherwise`,
    );
  }
  const seconds = (from: number, to: number): string => ((to - from) / 1000).toFixed(1);
  return {
    name: `${after?.count} cities through ${format} (${Math.round(file.size / 1e6)} MB), equal row by row`,
    value: `${seconds(start, exported)} s out, ${seconds(deleted, written)} s in`,
    floor: "-",
    target: "equal",
  };
}

async function untilSettled(pool: BenchDeployment["pool"], id: string): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ status: string; message: string | null }>(
      "SELECT status, message FROM powercrud.task WHERE id = $1 AND finished_at IS NOT NULL",
      [id],
    );
    const [task] = rows;
    if (task?.status === "SUCCEEDED") {
      return;
    }
    if (task !== undefined) {
      throw new Error(`the import is ${task.status}: ${task.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
