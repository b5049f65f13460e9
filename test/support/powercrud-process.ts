import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { packedCommandLine } from "./packed-package.ts";
import { withDeadline } from "./deadline.ts";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

const INHERITED = ["PATH", "HOME", "LANG", "TMPDIR"];

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface PowerCrudProcess {
  pid: number;
  /** Its `POWERCRUD_DATA_DIR`. */
  dataDir: string;
  /** The lines that it has written so far, of standard output and standard error. */
  lines: readonly string[];
  /** The lines of standard output. */
  answer: readonly string[];
  /** The first line that matches, written already or later. Rejects when the process ends without it. */
  waitForLine(pattern: RegExp, ms?: number): Promise<RegExpMatchArray>;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<Exit>;
}

const cleanUps: (() => Promise<void>)[] = [];

/** Kills everything that still runs, including an embedded PostgreSQL that outlived its parent. Runs after each test file. */
export async function endProcesses(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    await cleanUp();
  }
}

/** A program to start. */
export interface Program {
  file: string;
  args: readonly string[];
  /** Default: the working folder of the tests. */
  cwd?: string;
}

/**
 * Starts the command line of the packed package as a process. See {@link spawnProgram}.
 * @param cwd the folder of the project. Default: the working folder
 */
export async function spawnPowerCrud(
  given: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<PowerCrudProcess> {
  const args = [await packedCommandLine(), ...given];
  return spawnProgram({ file: process.execPath, args, ...(cwd !== undefined && { cwd }) }, env);
}

/**
 * Starts a program that runs a command line of ours. Of this environment it gets only the variables that find programs. Without `POWERCRUD_DATA_DIR` in `env` it gets a new, empty folder. After the test file it is killed.
 */
export async function spawnProgram(
  { file, args, cwd }: Program,
  env: Readonly<Record<string, string>> = {},
): Promise<PowerCrudProcess> {
  const folder = await createTemporaryFolder("data");
  const dataDir = env["POWERCRUD_DATA_DIR"] ?? join(folder.path, "data");
  const inherited = INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  const child = spawn(file, args, {
    cwd,
    env: { ...Object.fromEntries(inherited), POWERCRUD_DATA_DIR: dataDir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid === undefined) {
    throw new Error(`${file} cannot be started`);
  }
  const output = new ProcessOutput([child.stdout, child.stderr]);
  const answer = new ProcessOutput([child.stdout]).lines;
  const exited = new Promise<Exit>((done) => {
    child.once("close", (code, signal) => done({ code, signal }));
  });
  cleanUps.push(() => endProcess(child, exited, dataDir, folder));
  return {
    pid: child.pid,
    dataDir,
    lines: output.lines,
    answer,
    waitForLine: (pattern, ms = 60_000) => output.waitFor(pattern, exited, ms),
    kill: (signal) => void child.kill(signal),
    exited,
  };
}

/** The commands that run until a signal stops them. */
export type RoleName = "start" | "serve" | "work";

export interface ReadyProcess extends PowerCrudProcess {
  /** From the `ready` line: the URL of an API, or the id of a worker. */
  address: string;
}

/** Starts a process of the role, and waits until it is ready. */
export async function startRole(
  role: RoleName,
  env: Readonly<Record<string, string>> = {},
): Promise<ReadyProcess> {
  const process = await spawnPowerCrud([role], env);
  const [, address = ""] = await process.waitForLine(/^ready (?:worker )?(\S+)$/, 120_000);
  return { ...process, address };
}

/** Runs a command to its end. @throws unless its exit code is 0 */
export async function runPowerCrud(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PowerCrudProcess> {
  const process = await spawnPowerCrud(args, env);
  await untilSuccess(process, `powercrud ${args.join(" ")}`);
  return process;
}

/** Waits for the end of a process. @param name for the message @throws unless its exit code is 0 */
export async function untilSuccess({ exited, lines }: PowerCrudProcess, name: string): Promise<void> {
  const { code, signal } = await withDeadline(exited, 120_000, `the end of ${name}`);
  if (code !== 0) {
    throw new Error(`${name} ended with ${signal ?? code}:\n${lines.join("\n")}`);
  }
}

class ProcessOutput {
  readonly lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  constructor(streams: readonly Readable[]) {
    for (const input of streams) {
      createInterface({ input }).on("line", (line) => {
        this.lines.push(line);
        for (const listener of this.#listeners) {
          listener(line);
        }
      });
    }
  }

  async waitFor(pattern: RegExp, exited: Promise<Exit>, ms: number): Promise<RegExpMatchArray> {
    let listener: ((line: string) => void) | undefined;
    const found = new Promise<RegExpMatchArray>((done) => {
      listener = (line) => {
        const match = line.match(pattern);
        if (match !== null) {
          done(match);
        }
      };
      this.lines.forEach(listener);
      this.#listeners.add(listener);
    });
    const ended = exited.then(({ code, signal }) => {
      throw new Error(`the process ended with ${signal ?? code} before it wrote ${pattern}`);
    });
    try {
      return await withDeadline(Promise.race([found, ended]), ms, `a line that matches ${pattern}`);
    } catch (cause) {
      throw new Error(`${String(cause)}\nIt wrote:\n${this.lines.join("\n")}`, { cause });
    } finally {
      if (listener !== undefined) {
        this.#listeners.delete(listener);
      }
    }
  }
}

async function endProcess(
  child: ChildProcess,
  exited: Promise<Exit>,
  dataDir: string,
  folder: TemporaryFolder,
): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
  }
  for (const pid of await findPostmasters(dataDir)) {
    process.kill(pid, "SIGQUIT");
  }
  await withDeadline(exited, 15_000, "the end of a killed process and of all that holds its output");
  await folder.remove();
}

/** PostgreSQL writes its process id into its data folder. The file outlives a crash, so ask the system which program has that id now. */
async function findPostmasters(dataDir: string): Promise<number[]> {
  const entries = await readdir(dataDir, { recursive: true }).catch(() => []);
  const files = entries.filter((entry) => entry.endsWith("postmaster.pid"));
  const notes = await Promise.all(files.map((file) => readFile(join(dataDir, file), "utf8").catch(() => "")));
  const pids = notes.map((note) => Number.parseInt(note, 10)).filter((pid) => pid > 1);
  return pids.filter((pid) => commandOf(pid).includes(dataDir));
}

function commandOf(pid: number): string {
  if (process.platform === "linux") {
    return existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
  }
  return spawnSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout;
}
