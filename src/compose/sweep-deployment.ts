import type { SweepReport } from "../core/sweeper/sweep.ts";
import { sweepNow } from "../core/sweeper/sweep.ts";
import { createHookListeners } from "../core/tasks/run/hook-listeners.ts";
import { sweepOptionsOf } from "./create-workers.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import type { DeploymentAddress } from "./with-deployment.ts";
import { withDeployment } from "./with-deployment.ts";

/** Which deployment to sweep, and with whose hooks. */
export interface SweepDeploymentOptions extends DeploymentAddress {
  /** Its hooks are called for what dead processes left. Default: none are called. */
  readonly project?: Pick<PowerCrudConfig, "hooks" | "tasks">;
}

/** One pass of the sweeper, beside those of the deployment's own processes. @throws as {@link withDeployment} */
export function sweepDeployment({ project, ...address }: SweepDeploymentOptions): Promise<SweepReport> {
  // It is over before anybody could say who listens to records.
  return withDeployment({ ...address, isAudienceKnown: false }, (deployment) => {
    const limit = { clock: deployment.ports.clock, limitMs: address.config.hookTimeoutMs };
    const hooks = createHookListeners(project?.hooks, project?.tasks, limit);
    return sweepNow({ ...deployment.ports, hooks }, sweepOptionsOf(address.config, deployment));
  });
}
