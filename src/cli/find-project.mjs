// Finds the project that the command line works on: this checkout, or a project that has the package installed.
// Plain JavaScript without packages, because a fresh clone has none yet.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKAGE = "powercrud-graphql";
const DEPENDENCIES = ["dependencies", "devDependencies", "optionalDependencies"];
const PROJECT_FILE = "powercrud.config.ts";

/**
 * The version of this package.
 * @type {string}
 */
export const VERSION = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version;

/**
 * The project around the working folder: the nearest folder with a `powercrud.config.ts`, or else with a `package.json`,
 * packages below a `node_modules` left out. The command line of a checkout works on the checkout itself, unless that folder
 * has the file or depends on this package, as a link or a workspace.
 * @param {{ root?: string, from?: string }} [options] `root`: the package's own folder; `from`: where the search begins,
 *   by default the working folder
 * @returns {{ dir: string, isEmbedding: boolean }} `dir`: the folder with `package.json` and `prisma/`, absolute;
 *   `isEmbedding`: whether it is another project than the package
 */
export function findProject({ root = ROOT, from = process.cwd() } = {}) {
  const start = resolve(from);
  const configured = nearestWith(PROJECT_FILE, start);
  const dir = configured ?? nearestWith("package.json", start) ?? start;
  if (isInstalled(root)) {
    return { dir, isEmbedding: true };
  }
  const isEmbedding = dir !== root && (configured !== undefined || dependsOnUs(dir));
  return { dir: isEmbedding ? dir : root, isEmbedding };
}

/**
 * @param {string} file
 * @param {string} dir
 * @returns {string | undefined}
 */
function nearestWith(file, dir) {
  if (!isInstalled(dir) && existsSync(join(dir, file))) {
    return dir;
  }
  const parent = dirname(dir);
  return parent === dir ? undefined : nearestWith(file, parent);
}

/** @param {string} dir */
function isInstalled(dir) {
  return dir.split(sep).includes("node_modules");
}

/** @param {string} dir */
function dependsOnUs(dir) {
  const manifest = join(dir, "package.json");
  const content = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : {};
  return DEPENDENCIES.some((kind) => content[kind]?.[PACKAGE] !== undefined);
}
