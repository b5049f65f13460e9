import type { ProcessRegister } from "../processes/process-register.ts";
import type { BackendChoice } from "./examine-backend.ts";
import type { Examination } from "./health-check.ts";

/**
 * Whether the deployment still keeps its locks where this process, which has enlisted, looks for them. One that slept
 * through a move is of no use, whoever else runs.
 */
export function examineBelonging(
  { name }: Pick<BackendChoice, "name">,
  processes: Pick<ProcessRegister, "backend">,
): Examination {
  return {
    name: "backend",
    async examine() {
      const current = await processes.backend();
      return current === name
        ? { status: "OK", message: `The locks are in ${name}.` }
        : {
            status: "FAILED",
            message: `The deployment has moved its locks to ${current}; this process, which kept them in ${name}, has to be restarted.`,
          };
    },
  };
}
