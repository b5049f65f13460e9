import type { OutboxRow } from "../core/notifications/outbox.ts";
import { retryDead } from "../core/notifications/retry-dead.ts";
import type { DeploymentAddress } from "./with-deployment.ts";
import { withDeployment } from "./with-deployment.ts";

/** The most that are listed. */
const MAX_LISTED = 1000;

/** The first 1,000 dead notifications of a deployment, the oldest first, and how many there are. @throws as withDeployment */
export function listDeadNotifications(
  options: DeploymentAddress,
): Promise<{ readonly count: number; readonly dead: readonly OutboxRow[] }> {
  return withDeployment(options, async ({ ports: { outbox } }) => ({
    count: await outbox.countDead({}),
    dead: await outbox.listDead({ limit: MAX_LISTED }),
  }));
}

/** Has them tried again. @param ids undefined for all @returns the ids of those that were dead @throws as withDeployment */
export function retryDeadNotifications(
  options: DeploymentAddress,
  ids: readonly string[] | undefined,
): Promise<readonly string[]> {
  return withDeployment(options, ({ ports }) => retryDead(ports, ids === undefined ? {} : { ids }));
}
