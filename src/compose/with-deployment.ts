import type { Logger } from "../kernel/logger.ts";
import { createSystemClock } from "../kernel/clock.ts";
import type { Config } from "../config/config.ts";
import { chooseBackend } from "./choose-backend.ts";
import type { Deployment, DeploymentOptions } from "./open-deployment.ts";
import { openDeployment } from "./open-deployment.ts";

/** Which deployment. */
export interface DeploymentAddress {
  /** A migrated PostgreSQL. */
  readonly databaseUrl: string;
  readonly config: Config;
  readonly logger: Logger;
}

/**
 * Does something in a deployment, beside its own processes, and closes all connections.
 * @throws AppError START_FAILED when another deployment uses its keys in Redis; UNAVAILABLE when the database or the
 *   backend cannot be reached
 */
export async function withDeployment<T>(
  options: DeploymentAddress & Pick<DeploymentOptions, "isAudienceKnown">,
  work: (deployment: Deployment) => Promise<T>,
): Promise<T> {
  const { config, logger } = options;
  const backend = await chooseBackend(config, logger);
  const deployment = openDeployment({ ...options, backend, clock: createSystemClock() });
  try {
    await deployment.ready();
    await deployment.own();
    await deployment.followTime();
    return await work(deployment);
  } finally {
    await deployment.close();
  }
}
