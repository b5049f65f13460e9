import { randomBytes } from "node:crypto";
import { chown, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { programOf } from "./postgres-binaries.ts";
import { runProgram, type SystemUser } from "./run-program.ts";

/** The options of {@link createCluster}. */
export interface ClusterOptions {
  /** The folder of PostgreSQL's programs. */
  readonly binaries: string;
  /** The new folder: `data` is PostgreSQL's, `password` the superuser's. Its parent must exist. */
  readonly home: string;
  readonly user: SystemUser | undefined;
}

/** The superuser of every cluster. Not "powercrud": a schema with the user's name would come first in the search path. */
export const SUPERUSER = "postgres";
/** An unfinished cluster that is older was left by a crash. */
const ABANDONED_AFTER_MS = 3_600_000;

/**
 * Makes a cluster in a temporary folder and then renames that, so that a crash leaves no unfinished cluster in its place,
 * and one of two concurrent processes wins.
 *
 * Uses UTF-8 with PostgreSQL's builtin locale `C.UTF-8`, which sorts by code point and knows upper and lower case of all
 * letters, the same on every machine and with every version of the system's libraries.
 */
export async function createCluster({ binaries, home, user }: ClusterOptions): Promise<void> {
  await removeAbandoned(home);
  const draft = await mkdtemp(`${home}.new-`);
  try {
    const passwordFile = join(draft, "password");
    await writeFile(passwordFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
    await mkdir(join(draft, "data"), { mode: 0o700 });
    if (user !== undefined) {
      await Promise.all(
        [draft, passwordFile, join(draft, "data")].map((path) => chown(path, user.uid, user.gid)),
      );
    }
    await runProgram(
      programOf(binaries, "initdb"),
      [
        `--pgdata=${join(draft, "data")}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
      ],
      user,
    );
    await rename(draft, home).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") {
        throw error;
      }
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function removeAbandoned(home: string): Promise<void> {
  const parent = join(home, "..");
  const drafts = (await readdir(parent))
    .map((name) => join(parent, name))
    .filter((path) => path.startsWith(`${home}.new-`));
  for (const draft of drafts) {
    const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) {
      await rm(draft, { recursive: true, force: true });
    }
  }
}
