// Builds dist/, the code of the package: ES modules, their types, and the SQL files that they read.
// The sources are joined into a few files: Node takes a third of a second to find and read hundreds.
// Types are checked by `npm test`, not here.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { buildDashboard, isDashboardStale } from "./build-dashboard.mjs";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src");
const OUTPUT = join(ROOT, "dist");
/** The files that are loaded by their names. */
const ENTRIES = [
  "index.ts",
  "server.ts",
  "testing.ts",
  "cli/powercrud.ts",
  "cli/import-typescript.ts",
  "generator/generator.ts",
];
/** A relative import in a file of types. */
const TYPE_IMPORT = /((?:from|import)\s*\(?\s*"\.{1,2}\/[^"]*)\.ts"/g;

/** @param {string} folder */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" });
}

/** Modules share what several entries import, so that there is one instance of it. */
async function joinSources() {
  await build({
    entryPoints: ENTRIES.map((file) => join(SOURCE, file)),
    outdir: OUTPUT,
    outbase: SOURCE,
    bundle: true,
    splitting: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20",
    // One folder deep, as the sources of cli/ are: they find the package's folder from their own place.
    chunkNames: "chunks/[name]-[hash]",
    logLevel: "warning",
  });
}

/** The compiler writes `.ts` in imports where `.js` must stand. */
async function writeTypes() {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const program = spawn(process.execPath, [compiler, "--project", "tsconfig.build.json"], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
  });
  const [status] = await once(program, "close");
  if (status !== 0) {
    process.stderr.write("build: the compiler failed\n");
    process.exit(1);
  }
  for (const file of filesIn(OUTPUT).filter((name) => name.endsWith(".d.ts"))) {
    const path = join(OUTPUT, file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(TYPE_IMPORT, '$1.js"'));
  }
}

for (const name of existsSync(OUTPUT) ? readdirSync(OUTPUT) : []) {
  if (name !== "dashboard") {
    rmSync(join(OUTPUT, name), { recursive: true, force: true });
  }
}
await Promise.all([writeTypes(), joinSources(), isDashboardStale(ROOT) ? buildDashboard(ROOT) : undefined]);
for (const file of filesIn(SOURCE).filter((name) => name.endsWith(".sql"))) {
  cpSync(join(SOURCE, file), join(OUTPUT, file));
}
