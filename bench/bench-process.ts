import { spawn } from "node:child_process";
import { once } from "node:events";
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

/** Starts a process of the role, and waits until it is ready. */
export async function startBenchProcess(
  role: "start" | "serve" | "work",
  env: Readonly<Record<string, string>>,
): Promise<BenchProcess> {
  const child = spawnPowerCrud(role, env);
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
export async function runBenchProcess(command: string, env: Readonly<Record<string, string>>): Promise<void> {
  const child = spawnPowerCrud(command, env);
  child.stdout.resume();
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) {
    throw new Error(`powercrud ${command} ended with ${code}`);
  }
}

function spawnPowerCrud(
  command: string,
  env: Readonly<Record<string, string>>,
): ReturnType<typeof spawn> & { readonly stdout: NodeJS.ReadableStream } {
  const inherited = INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  return spawn(process.execPath, ["--import", "tsx", "src/cli/powercrud.ts", command], {
    cwd: `${import.meta.dirname}/..`,
    env: { ...Object.fromEntries(inherited), POWERCRUD_LOG_LEVEL: "warn", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
}
