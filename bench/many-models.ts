import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { manyModels } from "../test/support/many-models.ts";
import type { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { createTemporaryFolder } from "../test/support/temporary-folder.ts";
import { peakMegabytes, runBenchProcess, startBenchProcess } from "./bench-process.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";

const SMALL = 100;
const LARGE = 300;
const ROOT = resolve(import.meta.dirname, "..");

/** What a project of many models takes. Times in seconds. */
interface Startup {
  readonly ready: number;
  readonly printed: number;
  readonly megabytes: string;
}

/** Measures the start of projects of 100 and of 300 models, as an operator would see it: from the command to `ready`. */
export async function measureModels({ stores }: BenchTools): Promise<readonly Measure[]> {
  const small = await measureProject(stores.databaseUrl("postgres"), SMALL);
  const large = await measureProject(stores.databaseUrl("postgres"), LARGE);
  const row = (name: string, figure: "ready" | "printed"): Measure => ({
    name: `${LARGE} models: ${name}`,
    value: `${large[figure].toFixed(1)} s`,
    floor: `${SMALL} models: ${small[figure].toFixed(1)} s`,
    ratio: large[figure] / small[figure],
    target: "< 15 s, ratio ≤ 3",
  });
  return [
    row("from `start` to ready", "ready"),
    row("`print-schema`", "printed"),
    {
      name: `${LARGE} models: resident memory at most`,
      value: `${large.megabytes} MB`,
      floor: `${SMALL} models: ${small.megabytes} MB`,
      target: "< 600 MB",
    },
  ];
}

async function measureProject(serverUrl: string, count: number): Promise<Startup> {
  const folder = await createProject(count);
  const name = `bench_models_${count}`;
  const env = { DATABASE_URL: Object.assign(new URL(serverUrl), { pathname: name }).href, PORT: "0" };
  try {
    await query(serverUrl, `CREATE DATABASE ${name}`);
    await runBenchProcess(["migrate", "--name", "init"], env, folder.path);
    const printed = await seconds(() => runBenchProcess(["print-schema"], env, folder.path));
    const startedAt = performance.now();
    const service = await startBenchProcess("start", env, folder.path);
    const ready = (performance.now() - startedAt) / 1000;
    const megabytes = await peakMegabytes(service.pid);
    await service.stop();
    return { ready, printed, megabytes };
  } finally {
    await query(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await folder.remove();
  }
}

/** A project like any user's, with its client generated. */
async function createProject(count: number): Promise<TemporaryFolder> {
  const folder = await createTemporaryFolder("models");
  const files = {
    "package.json": `{ "type": "module", "dependencies": { "powercrud-graphql": "*" } }`,
    "prisma.config.ts": `export default { schema: "prisma/schema.prisma" };`,
    "powercrud.config.ts": `import { generated } from "./prisma/generated/powercrud.ts";\nexport default { generated };`,
    "prisma/schema.prisma": manyModels(count),
  };
  await mkdir(join(folder.path, "prisma"));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder.path, name), text);
  }
  await symlink(join(ROOT, "node_modules"), join(folder.path, "node_modules"));
  await promisify(execFile)(
    process.execPath,
    [join(ROOT, "node_modules/prisma/build/index.js"), "generate"],
    {
      cwd: folder.path,
      env: {
        ...process.env,
        // `generate` does not run the schema engine, but would download one if it found none.
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"]}`,
      },
    },
  );
  return folder;
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}
