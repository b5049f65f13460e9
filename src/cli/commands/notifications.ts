import { listDeadNotifications, retryDeadNotifications } from "../../compose/dead-notifications.ts";
import { requireMigrated } from "../../compose/migrations.ts";
import { counted } from "../../kernel/counted.ts";
import type { CliContext } from "../cli-context.ts";
import { withDatabase } from "../with-database.ts";

/** The options of `powercrud notifications`. */
export interface NotificationsOptions {
  /** Prints one JSON document instead of lines. */
  readonly json?: boolean;
  /** Ids of dead notifications that are to be tried again. */
  readonly retry?: readonly string[];
  /** Has all of them tried again. */
  readonly retryAll?: boolean;
}

/** `powercrud notifications`: lists those that were given up, or has them tried again. */
export async function notifications(context: CliContext, options: NotificationsOptions): Promise<void> {
  const { config, logger, projectDir } = context;
  await withDatabase(context, async (databaseUrl) => {
    await requireMigrated({ databaseUrl, projectDir, logger });
    const lines = await answerNotifications({ databaseUrl, config, logger }, options);
    lines.forEach((line) => context.print(line));
  });
}

type Address = Parameters<typeof listDeadNotifications>[0];

/** Does what the options ask for. @returns the lines to print */
export function answerNotifications(
  address: Address,
  options: NotificationsOptions,
): Promise<readonly string[]> {
  return options.retry === undefined && options.retryAll !== true
    ? list(address, options.json === true)
    : retry(address, options);
}

async function list(address: Address, isJson: boolean): Promise<readonly string[]> {
  const { count, dead } = await listDeadNotifications(address);
  if (isJson) {
    return [JSON.stringify({ count, dead }, null, 2)];
  }
  return [
    count === 0 ? "No notification was given up." : `${counted(count, "notification")} could not be sent:`,
    ...dead.map(
      ({ id, channel, target, taskId, tries, lastError }) =>
        `${id}  ${channel} to ${target}, of task ${taskId}, after ${tries} ${tries === 1 ? "try" : "tries"}: ${lastError ?? "?"}`,
    ),
  ];
}

async function retry(address: Address, options: NotificationsOptions): Promise<readonly string[]> {
  const ids = options.retryAll === true ? undefined : options.retry;
  const retried = await retryDeadNotifications(address, ids);
  if (options.json === true) {
    return [JSON.stringify({ retried }, null, 2)];
  }
  const missing = (ids ?? []).filter((id) => !retried.includes(id.toLowerCase()));
  return [
    `tried again: ${retried.length}`,
    ...retried.map((id) => `  ${id}`),
    ...missing.map((id) => `not dead, or not there: ${id}`),
  ];
}
