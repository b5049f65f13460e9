import type { Logger } from "../kernel/logger.ts";
import { createSystemClock } from "../kernel/clock.ts";
import type { SweepReport } from "../core/sweeper/sweep.ts";
import { sweepNow } from "../core/sweeper/sweep.ts";
import type { Config } from "../config/config.ts";
import { chooseBackend } from "./choose-backend.ts";
import { sweepOptionsOf } from "./create-workers.ts";
import { openDeployment } from "./open-deployment.ts";

/** Which deployment to sweep. */
export interface SweepDeploymentOptions {
  /** A migrated PostgreSQL. */
  readonly databaseUrl: string;
  readonly config: Config;
  readonly logger: Logger;
}

/**
 * One pass of the sweeper, beside those of the deployment's own processes.
 * @throws AppError START_FAILED when another deployment uses its keys in Redis; UNAVAILABLE when the database or the
 *   backend cannot be reached
 */
export async function sweepDeployment(options: SweepDeploymentOptions): Promise<SweepReport> {
  const { config, logger } = options;
  const backend = await chooseBackend(config, logger);
  const deployment = openDeployment({ ...options, backend, clock: createSystemClock() });
  try {
    await deployment.ready();
    await deployment.own();
    await deployment.followTime();
    return await sweepNow(deployment.ports, sweepOptionsOf(config, deployment));
  } finally {
    await deployment.close();
  }
}
