import { spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { startBenchDeployment } from "./bench-deployment.ts";
import { peakMegabytes } from "./bench-process.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { median } from "./statistics.ts";

const ROUNDS = 7;
const COLUMNS = "/exports/City.csv?fields=";

/** Measures exports of all cities beside PostgreSQL's own COPY over a plain server of Node's, in turns. */
export async function measureExport(
  { stores }: BenchTools,
  backend: BackendName,
): Promise<readonly Measure[]> {
  const bare = spawn(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "copy-server.ts"), stores.databaseUrl(backend)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const deployment = await startBenchDeployment(stores, {
    backend,
    roles: ["serve"],
    env: { POWERCRUD_AUDIT_LOG: "false" },
  });
  try {
    const [line] = (await once(createInterface({ input: bare.stdout }), "line")) as [string];
    const copyUrl = line.replace("ready ", "");
    const { rows } = await deployment.pool.query<{ name: string }>(
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'city'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    );
    const fields = rows.map(({ name }) =>
      name.replaceAll(/_(.)/g, (_all, letter: string) => letter.toUpperCase()),
    );
    const urls = {
      csv: `${deployment.url}${COLUMNS}${fields.join(",")}`,
      jsonl: `${deployment.url}${COLUMNS}${fields.join(",")}`.replace(".csv", ".jsonl"),
      all: `${deployment.url}/exports/City.csv`,
      related: `${deployment.url}${COLUMNS}${fields.join(",")},country.name`,
    };
    const times: Record<string, number[]> = {};
    const sizes: Record<string, number> = {};
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, url] of Object.entries({ copy: copyUrl, ...urls })) {
        const start = performance.now();
        sizes[name] = await download(url);
        // The first round warms up.
        (times[name] ??= []).push(...(round === 0 ? [] : [performance.now() - start]));
      }
    }
    const pid = deployment.pids[0] ?? 0;
    const before = await peakMegabytes(pid);
    await Promise.all(Array.from({ length: 4 }, () => download(urls.csv)));
    const floor = median(times["copy"] ?? []);
    const measure = (name: string, words: string): Measure => {
      const ms = median(times[name] ?? []);
      return {
        name: `export of all cities, ${words} (${Math.round((sizes[name] ?? 0) / 1e6)} MB)`,
        value: `${Math.round(ms)} ms`,
        floor: `COPY TO: ${Math.round(floor)} ms (${Math.round((sizes["copy"] ?? 0) / 1e6)} MB)`,
        ratio: floor / ms,
        target: "≥ 0.5",
      };
    };
    return [
      measure("csv", "CSV with the table's columns"),
      measure("jsonl", "JSON Lines with the table's columns"),
      measure("all", "CSV with all columns and the tags"),
      measure("related", "CSV with a column of the country"),
      {
        name: "resident memory of the process, at most, after four at once",
        value: `${await peakMegabytes(pid)} MB`,
        floor: `before: ${before} MB`,
        target: "flat",
      },
    ];
  } finally {
    bare.kill();
    await deployment.stop();
  }
}

/** @returns the number of bytes */
async function download(url: string): Promise<number> {
  const [response] = (await once(get(url), "response")) as [NodeJS.ReadableStream & { statusCode: number }];
  if (response.statusCode !== 200) {
    throw new Error(`${url} was answered with ${response.statusCode}`);
  }
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(response, "end");
  return bytes;
}
