import type { BackendName, ProcessRegister } from "../processes/process-register.ts";
import type { Examination } from "./health-check.ts";

/** What the examining process came to. */
export interface BackendChoice {
  readonly name: BackendName;
  /** In words, as a sentence. */
  readonly reason: string;
  /** True: Redis was wanted, and out of reach. */
  readonly isFallback?: boolean;
}

/** What the backend is examined with. */
export interface BackendPorts {
  readonly backend: BackendChoice;
  readonly processes: Pick<ProcessRegister, "backend" | "list">;
  /** Whether the backend is there now, whatever it was when it was chosen. */
  readonly isReachable: () => Promise<boolean>;
}

/**
 * Whether the deployment keeps its locks where this process does, and can get at them.
 * @param silentSince processes not heard of since then do not count
 */
export function examineBackend(
  { backend: choice, processes, isReachable }: BackendPorts,
  silentSince: () => Date,
): Examination {
  return {
    name: "backend",
    async examine() {
      const current = await processes.backend();
      const said = `${choice.name}: ${choice.reason}`;
      if (current === choice.name) {
        if (!(await isReachable())) {
          return { status: "FAILED", message: `${said} It cannot be reached now.` };
        }
        return { status: choice.isFallback === true ? "WARNING" : "OK", message: said };
      }
      const others = await processes.list(silentSince());
      return others.length === 0
        ? { status: "WARNING", message: `${said} The next process to start moves the locks from ${current}.` }
        : {
            status: "FAILED",
            message: `${said} But the deployment keeps its locks in ${current}: set POWERCRUD_BACKEND, and restart.`,
          };
    },
  };
}
