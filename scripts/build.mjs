// Builds dist/, the code of the package: ES modules, their types, and the SQL files that they read.
// Types are checked by `npm test`, not here.
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src");
const OUTPUT = join(ROOT, "dist");
/** A relative import in a file of types. The compiler writes `.js` into the modules, but leaves `.ts` here. */
const TYPE_IMPORT = /((?:from|import)\s*\(?\s*"\.{1,2}\/[^"]*)\.ts"/g;

/** @param {string} folder */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" });
}

rmSync(OUTPUT, { recursive: true, force: true });
const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
const { status } = spawnSync(process.execPath, [compiler, "--project", "tsconfig.build.json"], {
  cwd: ROOT,
  stdio: ["ignore", 2, 2],
});
if (status !== 0) {
  process.stderr.write("build: the compiler failed\n");
  process.exit(1);
}
for (const file of filesIn(OUTPUT).filter((name) => name.endsWith(".d.ts"))) {
  const path = join(OUTPUT, file);
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(TYPE_IMPORT, '$1.js"'));
}
for (const file of filesIn(SOURCE).filter((name) => name.endsWith(".sql"))) {
  cpSync(join(SOURCE, file), join(OUTPUT, file));
}
