import { once } from "node:events";

import { createDatabase } from "../compose/create-database.ts";
import { migrateDatabase } from "../compose/migrate-database.ts";
import type { PowerCrudService, ServiceOptions } from "../compose/create-service.ts";
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
  const loading = loadService();
  // A failure is told when the service is due, or not at all, if something else fails first.
  loading.catch(() => undefined);
  const started: Service[] = [];
  const launch = async <Kind extends Service>(create: () => Kind | Promise<Kind>): Promise<Kind> => {
    context.stopSignal.throwIfAborted();
    const service = await create();
    started.push(service);
    await service.start();
    context.stopSignal.throwIfAborted();
    return service;
  };
  try {
    const { config, logger, projectDir } = context;
    const { url: databaseUrl } = await launch(() => createDatabase(context.database));
    const report = await migrateDatabase({ databaseUrl, projectDir });
    warnAbout(context, report);
    logger.info({ applied: [...report.engineApplied, ...report.appApplied] }, "the database is migrated");
    logger.info({}, await seedDatabase(context, databaseUrl));
    const createAppService = await loading;
    const { url } = await launch(() => createAppService({ config, databaseUrl, logger }));
    context.print(`ready ${url}`);
    await untilAborted(context.stopSignal);
  } finally {
    await stopInReverse(started, context);
  }
}

type CreateAppService = (options: Omit<ServiceOptions, "app">) => Promise<PowerCrudService>;

/** Loading the service takes longer than all that comes before its start, so the two go on side by side. */
async function loadService(): Promise<CreateAppService> {
  const [{ createService }, { powerCrudApp }] = await Promise.all([
    import("../compose/create-service.ts"),
    import("../app/powercrud-app.ts"),
  ]);
  return (options) => createService({ ...options, app: powerCrudApp });
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
