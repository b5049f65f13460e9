import { withDeadline } from "../support/deadline.ts";
import { spawnPowerCrud, type Exit, type PowerCrudProcess } from "../support/powercrud-process.ts";

/** One process of the deployment. When it ends, another one is started in its place. */
export interface Member {
  readonly role: "serve" | "work";
  /** The process that is ready now; undefined while one is starting. */
  ready(): ReadyProcess | undefined;
  /** Sends a signal to the ready process. @returns whether there was one */
  kill(): boolean;
  /** Suspends it, as on a machine that hangs. @returns continues it */
  pause(): () => void;
  /** Asks it to finish and end. An unclean end is a finding. */
  drain(): Promise<void>;
  /** Shuts it down for good. */
  stop(): Promise<void>;
}

export interface ReadyProcess {
  /** The URL of an API. */
  readonly address: string;
  readonly process: PowerCrudProcess;
}

const DRAIN_MS = 30_000;

/** How the processes of a deployment are started. */
export interface Deployment {
  readonly env: Readonly<Record<string, string>>;
  /** The folder of the project. Default: the demo */
  readonly projectDir?: string | undefined;
}

/** @param onFinding called when a process ends unasked */
export function startMember(
  role: Member["role"],
  { env, projectDir }: Deployment,
  onFinding: (finding: string) => void,
): Member {
  let ready: ReadyProcess | undefined;
  const ending = new AbortController();
  const awaited = new WeakSet<PowerCrudProcess>();
  const running = keepRunning();

  async function keepRunning(): Promise<void> {
    while (!ending.signal.aborted) {
      const process = await spawnPowerCrud([role], env, projectDir);
      const [, address] = await process.waitForLine(/^ready (\S.*)$/).catch(() => []);
      if (address === undefined) {
        // Its database was down; the next one may find it.
        process.kill("SIGKILL");
      } else if (!ending.signal.aborted) {
        ready = { address, process };
      }
      const { code, signal } = await endOf(process);
      ready = undefined;
      if (address !== undefined && !awaited.has(process)) {
        onFinding(`${role} ended by itself with ${signal ?? code}:\n${process.lines.slice(-20).join("\n")}`);
      }
    }
  }

  function endOf(process: PowerCrudProcess): Promise<Exit> {
    if (ending.signal.aborted) {
      awaited.add(process);
      process.kill("SIGTERM");
    }
    return process.exited;
  }

  const drain = async (): Promise<void> => {
    const process = ready?.process;
    if (process === undefined) {
      return;
    }
    awaited.add(process);
    ready = undefined;
    process.kill("SIGTERM");
    const exit = await withDeadline(process.exited, DRAIN_MS, `the drain of ${role}`).catch(
      (error: unknown) => {
        process.kill("SIGKILL");
        return error;
      },
    );
    if (exit instanceof Error || (exit as { code: number | null }).code !== 0) {
      const reason = exit instanceof Error ? exit.message : JSON.stringify(exit);
      onFinding(`${role} did not drain: ${reason}\n${process.lines.slice(-20).join("\n")}`);
    }
  };

  return {
    role,
    ready: () => ready,
    kill() {
      const process = ready?.process;
      if (process === undefined) {
        return false;
      }
      awaited.add(process);
      ready = undefined;
      process.kill("SIGKILL");
      return true;
    },
    pause() {
      const process = ready?.process;
      process?.kill("SIGSTOP");
      return () => process?.kill("SIGCONT");
    },
    drain,
    async stop() {
      ending.abort();
      await drain();
      await running;
    },
  };
}
