// Finds the project that the command line works on: this checkout, or a program that embeds the package.
// Plain JavaScript without packages, because a fresh clone has none yet.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKAGE = "powercrud-graphql";
const DEPENDENCIES = ["dependencies", "devDependencies", "optionalDependencies"];

/**
 * The project around the working folder if it depends on this package, also as a link or a workspace; otherwise this
 * checkout. A package below a `node_modules` never counts as the project.
 * @param {{ root?: string, from?: string }} [options] `root`: the package's own folder; `from`: where the search begins,
 *   by default the working folder
 * @returns {{ dir: string, isEmbedding: boolean }} `dir`: the folder with `package.json` and `prisma/`, absolute;
 *   `isEmbedding`: whether it is another project than the package
 */
export function findProject({ root = ROOT, from = process.cwd() } = {}) {
  const nearest = nearestPackage(resolve(from));
  const isInstalled = root.split(sep).includes("node_modules");
  if (nearest !== undefined && nearest !== root && (isInstalled || dependsOnUs(nearest))) {
    return { dir: nearest, isEmbedding: true };
  }
  return isInstalled ? { dir: resolve(from), isEmbedding: true } : { dir: root, isEmbedding: false };
}

/**
 * @param {string} dir
 * @returns {string | undefined}
 */
function nearestPackage(dir) {
  if (existsSync(join(dir, "package.json"))) {
    return dir;
  }
  const parent = dirname(dir);
  return parent === dir ? undefined : nearestPackage(parent);
}

/** @param {string} dir */
function dependsOnUs(dir) {
  const manifest = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
  return DEPENDENCIES.some((kind) => manifest[kind]?.[PACKAGE] !== undefined);
}
