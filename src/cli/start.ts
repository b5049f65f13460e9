import { once } from "node:events";

import { powerCrudApp } from "../app/powercrud-app.ts";
import { createDatabase } from "../compose/create-database.ts";
import { createService } from "../compose/create-service.ts";
import { migrateDatabase } from "../compose/migrate-database.ts";
import type { Service } from "../kernel/service.ts";
import type { CliContext } from "./cli-context.ts";
import { warnAbout } from "./migrate.ts";
import { seedDatabase } from "./seed.ts";

/**
 * `powercrud start`: everything in one process, until the stop signal. Prints one line, `ready http://…`, when it
 * accepts requests.
 * @throws what keeps it from starting; what had been started by then is stopped
 */
export async function start(context: CliContext): Promise<void> {
  const started: Service[] = [];
  const launch = async <Kind extends Service>(service: Kind): Promise<Kind> => {
    context.stopSignal.throwIfAborted();
    started.push(service);
    await service.start();
    context.stopSignal.throwIfAborted();
    return service;
  };
  try {
    const { config, logger, projectDir } = context;
    const { url: databaseUrl } = await launch(
      createDatabase({ databaseUrl: config.databaseUrl, dataDir: config.dataDir, logger }),
    );
    const report = await migrateDatabase({ databaseUrl, projectDir });
    warnAbout(context, report);
    logger.info({ applied: [...report.engineApplied, ...report.appApplied] }, "the database is migrated");
    logger.info({}, await seedDatabase(context, databaseUrl));
    const { url } = await launch(await createService({ config, databaseUrl, app: powerCrudApp, logger }));
    context.print(`ready ${url}`);
    await untilAborted(context.stopSignal);
  } finally {
    await stopInReverse(started, context);
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}

/** Each is stopped even where one before it fails to. */
async function stopInReverse(started: readonly Service[], { logger }: CliContext): Promise<void> {
  for (const service of started.toReversed()) {
    logger.debug({ service: service.name }, "stopping");
    await service.stop().catch((error: unknown) => {
      logger.error({ err: error, service: service.name }, "a service did not stop cleanly");
    });
  }
}
