import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import { AppError } from "../../kernel/app-error.ts";

/** The content of `postmaster.pid`, the file in which PostgreSQL notes where it listens. */
interface PostmasterNote {
  readonly text: string;
  readonly pid: number;
  readonly port: number;
  /** `starting`, `ready`, `standby` or `stopping`; empty in its first moments. */
  readonly status: string;
}

const POLL_MS = 20;
/** Long, since recovery after a crash may take minutes. */
const SETTLE_MS = 300_000;

/**
 * The port of the server that runs on the data folder, once it is ready; undefined if none runs. Waits while a server starts
 * or stops. Ignores a stale `postmaster.pid`, whose process is gone or whose process id belongs to another program by now.
 */
export async function findRunningPort(dataFolder: string): Promise<number | undefined> {
  const deadline = Date.now() + SETTLE_MS;
  while (Date.now() < deadline) {
    const note = await readNote(dataFolder);
    if (note === "damaged") {
      await removeDamaged(dataFolder);
      return undefined;
    }
    if (note === undefined || !isAlive(note.pid)) {
      return undefined;
    }
    if (!(await isServerOf(note.pid, dataFolder))) {
      await removeStale(dataFolder, note);
      return undefined;
    }
    if (note.status === "ready") {
      return note.port;
    }
    await delay(POLL_MS);
  }
  throw new AppError("START_FAILED", `the PostgreSQL on ${dataFolder} neither starts nor stops`);
}

/** Notes which server runs now. The returned function waits until that one is gone, even if another one follows. */
export async function watchServer(dataFolder: string): Promise<() => Promise<void>> {
  const note = await readNote(dataFolder);
  const pid = note === "damaged" ? undefined : note?.pid;
  const isRunning = async (): Promise<boolean> =>
    pid !== undefined && isAlive(pid) && (await isServerOf(pid, dataFolder));
  return async () => {
    while (await isRunning()) {
      await delay(POLL_MS);
    }
  };
}

/** @returns undefined without a file; `damaged` if it names no process */
async function readNote(dataFolder: string): Promise<PostmasterNote | "damaged" | undefined> {
  const text = await readFile(join(dataFolder, "postmaster.pid"), "utf8").catch(() => undefined);
  if (text === undefined) {
    return undefined;
  }
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0
    ? { text, pid, port: Number(lines[3]), status: lines[7] ?? "" }
    : "damaged";
}

/** How long a file without a process may be one that a server is about to write, in ms. */
const WRITING_MS = 1000;

/**
 * Removes a file that names no process, if no server runs on the data folder: PostgreSQL refuses to start beside it.
 * @throws AppError START_FAILED if one does, or may do
 */
async function removeDamaged(dataFolder: string): Promise<void> {
  await delay(WRITING_MS);
  if ((await readNote(dataFolder)) !== "damaged") {
    return;
  }
  const file = join(dataFolder, "postmaster.pid");
  if (process.platform !== "linux" || (await isAnyServerOf(dataFolder))) {
    throw new AppError(
      "START_FAILED",
      `${file} is damaged, and a PostgreSQL may run on its folder. Stop that one, then delete the file.`,
    );
  }
  await rm(file, { force: true });
}

async function isAnyServerOf(dataFolder: string): Promise<boolean> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => isServerOf(Number(pid), dataFolder)));
  return found.some(Boolean);
}

/** Removes a stale file: PostgreSQL would take any process with that id for a server, and refuse to start. */
async function removeStale(dataFolder: string, note: PostmasterNote): Promise<void> {
  const current = await readNote(dataFolder);
  if (current !== "damaged" && current?.text === note.text) {
    await rm(join(dataFolder, "postmaster.pid"), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function isServerOf(pid: number, dataFolder: string): Promise<boolean> {
  if (process.platform === "win32") {
    return true;
  }
  const command =
    process.platform === "linux"
      ? await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
      : await promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", String(pid)]).then(
          ({ stdout }) => stdout,
          () => "",
        );
  return command.includes(dataFolder);
}
