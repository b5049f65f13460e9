// Whose project the command line works on: this checkout's, or that of a program that embeds the package.
// Plain JavaScript without packages, because on a fresh clone there are none yet.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKAGE = "powercrud-graphql";
const DEPENDENCIES = ["dependencies", "devDependencies", "optionalDependencies"];

/**
 * The project that depends on this package and is worked in, also where it has the package as a link or a workspace;
 * else this checkout. A package below a `node_modules` is never worked on itself.
 * @param {{ root?: string, from?: string }} [options] the package's own folder; where the search begins, by default
 *   the working folder
 * @returns {{ dir: string, isEmbedding: boolean }} the folder with `package.json` and `prisma/`, absolute; whether it
 *   is another project than the package
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
