import type { PowerCrud } from "../compose/create-powercrud.ts";
import { requireMigrated } from "../compose/migrations.ts";
import type { Logger } from "../kernel/logger.ts";
import type { CliContext } from "./cli-context.ts";
import { withDatabase } from "./with-database.ts";

/** Opens the project's tasks, calls `work`, and closes them, also after a failure. Runs no task itself. */
export async function withClient(
  context: CliContext,
  work: (powercrud: PowerCrud) => Promise<void>,
): Promise<void> {
  const { config: settings, projectDir, database, auditLogger } = context;
  const logger = withoutInfo(context.logger);
  // Loading takes longer than starting the database, so both run at the same time.
  const loading = Promise.all([import("../compose/create-powercrud.ts"), context.loadProject()]);
  loading.catch(() => undefined);
  await withDatabase({ database: { ...database, logger } }, async (databaseUrl) => {
    const [{ createPowerCrud }, config] = await loading;
    await requireMigrated({ databaseUrl, projectDir, logger });
    const powercrud = await createPowerCrud({
      config,
      databaseUrl,
      projectDir,
      role: "client",
      settings,
      logger,
      auditLogger,
    });
    try {
      await powercrud.start();
      await work(powercrud);
    } finally {
      await powercrud.stop();
    }
  });
}

/** What a service tells of itself would bury a command's answer. */
function withoutInfo(logger: Logger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.debug(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
