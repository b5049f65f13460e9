import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

import { AppError, isAppError } from "../../kernel/app-error.ts";
import { createCluster } from "./create-cluster.ts";
import { copyBinaries, findPostgresBinaries, programOf } from "./postgres-binaries.ts";
import { findPostgresUser, makeReachableFolder } from "./postgres-user.ts";
import { runProgram, type SystemUser } from "./run-program.ts";

/** A cluster on the disk, whether its server runs or not. */
export interface Cluster {
  /** The folder of PostgreSQL's programs, which the user may run. */
  readonly binaries: string;
  /** Free of symbolic links, so that paths can be compared. */
  readonly dataFolder: string;
  readonly logFile: string;
  readonly password: string;
  /** The user that PostgreSQL runs as; undefined for our own user. */
  readonly user: SystemUser | undefined;
}

/**
 * Finds the cluster in the data folder, or makes one.
 * @param fallbackDir the data folder if the user that PostgreSQL runs as cannot reach the wanted one
 * @throws AppError START_FAILED
 */
export async function findCluster(wantedDir: string, fallbackDir?: string): Promise<Cluster> {
  const user = await findPostgresUser(join(wantedDir, "postgres"));
  const dataDir = await reachableFolder(wantedDir, fallbackDir, user);
  const home = join(await realpath(dataDir), "postgres");
  const binaries = await findUsableBinaries(dataDir, user);
  if (!(await isFolder(home))) {
    await createCluster({ binaries, home, user });
  }
  return {
    binaries,
    dataFolder: join(home, "data"),
    logFile: join(home, "server.log"),
    password: await readPassword(join(home, "password")),
    user,
  };
}

async function reachableFolder(
  wantedDir: string,
  fallbackDir: string | undefined,
  user: SystemUser | undefined,
): Promise<string> {
  try {
    await makeReachableFolder(wantedDir, user);
    return wantedDir;
  } catch (error) {
    if (fallbackDir === undefined || !isAppError(error, "START_FAILED")) {
      throw error;
    }
    await makeReachableFolder(fallbackDir, user);
    return fallbackDir;
  }
}

/** Copies the programs if PostgreSQL's user cannot reach them, for example in a project in root's home. */
async function findUsableBinaries(dataDir: string, user: SystemUser | undefined): Promise<string> {
  const binaries = await findPostgresBinaries(process.platform, process.arch);
  if (user === undefined) {
    return binaries.folder;
  }
  return runProgram(programOf(binaries.folder, "pg_ctl"), ["--version"], user).then(
    () => binaries.folder,
    () => copyBinaries(binaries, dataDir),
  );
}

async function readPassword(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new AppError(
      "START_FAILED",
      `${file} cannot be read; run as the user who owns it, or set POWERCRUD_DATA_DIR to another folder`,
      { cause },
    );
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}
