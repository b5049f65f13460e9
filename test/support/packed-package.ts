import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { madeOnce } from "./made-once.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** What the package is made of. */
const INPUTS = ["src", "bin", "docs", "scripts/build.mjs", "tsconfig.json", "tsconfig.build.json"];
const TEXTS = ["package.json", "package-lock.json", "README.md", "CHANGELOG.md", "LICENSE"];

/**
 * The tarball that `npm pack` makes of this checkout. It is made once for each state of the sources, in the system's temporary
 * folder, and shared by all test files; do not change it.
 * @returns its path
 */
export async function packedPackage(): Promise<string> {
  const folder = join(tmpdir(), `powercrud-package-${await hashOfInputs()}`);
  const tarball = join(folder, "powercrud-graphql.tgz");
  await mkdir(folder, { recursive: true });
  await madeOnce(tarball, () => pack(folder, tarball));
  return tarball;
}

/**
 * The command line of the packed package, unpacked where it finds the packages of this checkout.
 * @returns the path of its program
 */
export async function packedCommandLine(): Promise<string> {
  const tarball = await packedPackage();
  const cache = join(ROOT, "node_modules/.cache");
  const folder = join(cache, basename(dirname(tarball)));
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true });
    const unpacked = await mkdtemp(join(cache, "unpacked-"));
    const { status, stderr } = spawnSync("tar", ["-xzf", tarball, "-C", unpacked], { encoding: "utf8" });
    if (status !== 0) {
      throw new Error(`the package cannot be unpacked:\n${stderr}`);
    }
    // Fails where another worker was faster.
    await rename(join(unpacked, "package"), folder).catch(() => undefined);
    await rm(unpacked, { recursive: true });
  }
  return join(folder, "bin/powercrud.mjs");
}

async function pack(folder: string, tarball: string): Promise<void> {
  const { status, stderr } = spawnSync("npm", ["pack", "--pack-destination", folder], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) {
    throw new Error(`npm pack failed:\n${stderr}`);
  }
  const [packed = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  await rename(join(folder, packed), tarball);
}

async function hashOfInputs(): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [...TEXTS, ...(await Promise.all(INPUTS.map(filesIn))).flat()].toSorted()) {
    hash.update(`${file}\0`).update(await readFile(join(ROOT, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

async function filesIn(path: string): Promise<string[]> {
  if ((await stat(join(ROOT, path))).isFile()) {
    return [path];
  }
  const entries = await readdir(join(ROOT, path), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files
    .map((file) => file.slice(ROOT.length + 1))
    .filter((file) => !file.startsWith("src/generated/"));
}
