import { chmod, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { AppError } from "../../kernel/app-error.ts";
import { runProgram, type SystemUser } from "./run-program.ts";

const NAME = "postgres";

/**
 * The user that PostgreSQL runs as; undefined for our own user. PostgreSQL refuses to run as root. If we are root, it is the
 * owner of existing data, or the system's user `postgres`, which is created if missing.
 * @throws AppError START_FAILED
 */
export async function findPostgresUser(existingFolder: string): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  const owner = await stat(existingFolder).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) {
    return { uid: owner.uid, gid: owner.gid };
  }
  return (await lookUp()) ?? (await create());
}

/**
 * Creates the folder and makes sure that the user can reach it.
 * @throws AppError START_FAILED naming the first folder on the way that is closed to the user
 */
export async function makeReachableFolder(folder: string, user: SystemUser | undefined): Promise<void> {
  const created = await mkdir(folder, { recursive: true });
  if (user === undefined) {
    return;
  }
  if (created !== undefined) {
    await chmod(folder, 0o755);
  }
  if (!(await canEnter(folder, user))) {
    const closed = await firstClosed(folder, user);
    throw new AppError(
      "START_FAILED",
      `started by root, PostgreSQL runs as the user ${NAME}, who may not enter ${closed}; ` +
        "set POWERCRUD_DATA_DIR to a folder that this user can reach, such as /var/lib/powercrud",
    );
  }
}

async function canEnter(folder: string, user: SystemUser): Promise<boolean> {
  return runProgram("/bin/sh", ["-c", 'cd -- "$1"', "sh", folder], user).then(
    () => true,
    () => false,
  );
}

async function firstClosed(folder: string, user: SystemUser): Promise<string> {
  const parent = dirname(folder);
  return parent === folder || (await canEnter(parent, user)) ? folder : firstClosed(parent, user);
}

async function lookUp(): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([runProgram("id", ["-u", NAME]), runProgram("id", ["-g", NAME])]);
    const user = { uid: Number(uid), gid: Number(gid) };
    return user.uid > 0 && user.gid >= 0 ? user : undefined;
  } catch {
    return undefined;
  }
}

async function create(): Promise<SystemUser> {
  try {
    await runProgram("groupadd", ["--force", "--system", NAME]);
    await runProgram("useradd", ["--system", "--gid", NAME, "--no-create-home", NAME]);
  } catch (cause) {
    // Another process may have just created it.
    const user = await lookUp();
    if (user !== undefined) {
      return user;
    }
    throw noUser(cause);
  }
  return (await lookUp()) ?? Promise.reject(noUser());
}

function noUser(cause?: unknown): AppError {
  return new AppError(
    "START_FAILED",
    `PostgreSQL refuses to run as root, and there is no user ${NAME}; create it, run as another user, or set DATABASE_URL`,
    { cause },
  );
}
