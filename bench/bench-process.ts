import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A command of the command line, running in its own process. */
export interface BenchProcess {
  /** From its `ready` line: the address of an API, or the id of a worker. */
  readonly address: string;
  readonly pid: number;
  /** Resolves once it has ended. */
  stop(): Promise<void>;
}

/** The part of our environment that is needed to find programs and folders. All settings come from the bench. */
const INHERITED = ["PATH", "HOME", "LANG", "TMPDIR"];

const ROOT = join(import.meta.dirname, "..");

/**
 * Starts a process of the role, and waits until it is ready.
 * @param projectDir the project's folder. Default: this checkout
 */
export async function startBenchProcess(
  role: "start" | "serve" | "work",
  env: Readonly<Record<string, string>>,
  projectDir = ROOT,
): Promise<BenchProcess> {
  const child = spawnPowerCrud([role], env, projectDir);
  const exited = once(child, "exit");
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const named = /^ready (?:worker )?(\S+)$/.exec(line)?.[1];
      if (named !== undefined) {
        resolve(named);
      }
    });
    void exited.then(() => reject(new Error(`powercrud ${role} ended before it was ready`)));
  });
  return {
    address,
    pid: child.pid ?? 0,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Runs a command to its end. @throws if its exit code is not 0 */
export async function runBenchProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  projectDir = ROOT,
): Promise<void> {
  const child = spawnPowerCrud(args, env, projectDir);
  child.stdout.resume();
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) {
    throw new Error(`powercrud ${args.join(" ")} ended with ${code}`);
  }
}

/** The peak of a process' resident memory, which only Linux reports; "?" elsewhere. */
export async function peakMegabytes(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(status)?.[1];
  return kilobytes === undefined ? "?" : String(Math.round(Number(kilobytes) / 1024));
}

function spawnPowerCrud(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  projectDir: string,
): ReturnType<typeof spawn> & { readonly stdout: NodeJS.ReadableStream } {
  const inherited = INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  const profileDir = process.env["BENCH_CPU_PROFILES"];
  const profiling = profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  const program = ["--import", "tsx", `${ROOT}/src/cli/powercrud.ts`];
  return spawn(process.execPath, [...profiling, ...program, ...args], {
    cwd: projectDir,
    env: { ...Object.fromEntries(inherited), POWERCRUD_LOG_LEVEL: "warn", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
}
