import type { Logger } from "../kernel/logger.ts";
import { createSystemClock } from "../kernel/clock.ts";
import type { SweepReport } from "../core/sweeper/sweep.ts";
import { sweepNow } from "../core/sweeper/sweep.ts";
import type { Config } from "../config/config.ts";
import { createHookListeners } from "../core/tasks/run/hook-listeners.ts";
import { chooseBackend } from "./choose-backend.ts";
import { sweepOptionsOf } from "./create-workers.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { openDeployment } from "./open-deployment.ts";

/** Which deployment to sweep. */
export interface SweepDeploymentOptions {
  /** A migrated PostgreSQL. */
  readonly databaseUrl: string;
  readonly config: Config;
  /** Whose hooks are called for what dead processes left. Default: none are called. */
  readonly project?: Pick<PowerCrudConfig, "hooks" | "tasks">;
  readonly logger: Logger;
}

/**
 * One pass of the sweeper, beside those of the deployment's own processes.
 * @throws AppError START_FAILED when another deployment uses its keys in Redis; UNAVAILABLE when the database or the
 *   backend cannot be reached
 */
export async function sweepDeployment(options: SweepDeploymentOptions): Promise<SweepReport> {
  const { config, logger, project } = options;
  const backend = await chooseBackend(config, logger);
  const deployment = openDeployment({ ...options, backend, clock: createSystemClock() });
  try {
    await deployment.ready();
    await deployment.own();
    await deployment.followTime();
    const hooks = createHookListeners(project?.hooks, project?.tasks);
    return await sweepNow({ ...deployment.ports, hooks }, sweepOptionsOf(config, deployment));
  } finally {
    await deployment.close();
  }
}
