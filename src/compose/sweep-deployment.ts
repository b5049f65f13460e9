import type { SweepReport } from "../core/sweeper/sweep.ts";
import { sweepNow } from "../core/sweeper/sweep.ts";
import { sweepOptionsOf } from "./create-workers.ts";
import type { DeploymentAddress } from "./with-deployment.ts";
import { withDeployment } from "./with-deployment.ts";

/** One pass of the sweeper, beside those of the deployment's own processes. @throws as {@link withDeployment} */
export function sweepDeployment(options: DeploymentAddress): Promise<SweepReport> {
  return withDeployment(options, (deployment) =>
    sweepNow(deployment.ports, sweepOptionsOf(options.config, deployment)),
  );
}
