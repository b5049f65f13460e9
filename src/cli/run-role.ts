import { once } from "node:events";

import { createDatabase } from "../compose/create-database.ts";
import type { ServiceOptions } from "../compose/create-service.ts";
import type { AppError } from "../kernel/app-error.ts";
import type { Service } from "../kernel/service.ts";
import type { CliContext } from "./cli-context.ts";

type Role = Exclude<NonNullable<ServiceOptions["role"]>, "client">;

/**
 * Runs a process of the role until the stop signal. Prints one line once it works: `ready http://…` for an API, or
 * `ready worker <id>` for a worker alone.
 * @param prepareDatabase migrates the database, or throws if it is not migrated
 * @throws the error that kept the process from starting, or that its own database is lost, after stopping everything that
 *   had started
 */
export async function runRole(
  context: CliContext,
  role: Role,
  prepareDatabase: (databaseUrl: string) => Promise<void>,
): Promise<void> {
  const loading = role === "work" ? loadWorker(context) : loadServer(context, role);
  // A failure is reported below, where the result is awaited.
  loading.catch(() => undefined);
  const started: Service[] = [];
  let lose: (error: AppError) => void = () => undefined;
  const lost = new Promise<never>((_resolve, reject) => {
    lose = reject;
  });
  // A failure ends the process once it runs.
  lost.catch(() => undefined);
  const launch = async <Kind extends Service>(create: () => Kind | Promise<Kind>): Promise<Kind> => {
    context.stopSignal.throwIfAborted();
    const service = await create();
    started.push(service);
    await service.start();
    context.stopSignal.throwIfAborted();
    return service;
  };
  try {
    const { config: settings, logger, auditLogger, projectDir } = context;
    const { url: databaseUrl } = await launch(() => createDatabase({ ...context.database, onLost: lose }));
    // A project that cannot be served leaves its database as it is.
    await context.loadProject();
    await prepareDatabase(databaseUrl);
    const create = await loading;
    const { address } = await launch(() =>
      create({ settings, databaseUrl, projectDir, logger, auditLogger }),
    );
    context.print(`ready ${address}`);
    await Promise.race([untilAborted(context.stopSignal), lost]);
  } finally {
    await stopInReverse(started, context);
  }
}

/** A service with the address for its `ready` line; valid once it has started. */
type Addressed = Service & { readonly address: string };
type Create = (options: Omit<ServiceOptions, "config" | "role">) => Promise<Addressed>;

/** Loads the modules and the project's file. This takes longer than starting the database, so both run at the same time. */
async function loadServer({ loadProject }: CliContext, role: Role): Promise<Create> {
  const [{ createService }, config] = await Promise.all([
    import("../compose/create-service.ts"),
    loadProject(),
  ]);
  return async (options) => {
    const service = await createService({ ...options, role, config });
    return {
      ...service,
      get address() {
        return service.url;
      },
    };
  };
}

async function loadWorker({ loadProject }: CliContext): Promise<Create> {
  const [{ createPowerCrud }, config] = await Promise.all([
    import("../compose/create-powercrud.ts"),
    loadProject(),
  ]);
  return async (options) => {
    const powercrud = await createPowerCrud({ ...options, role: "work", config });
    return { ...powercrud, address: `worker ${powercrud.processId}` };
  };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}

/** Stops every service, even if one fails to stop. */
async function stopInReverse(started: readonly Service[], { logger }: CliContext): Promise<void> {
  for (const service of started.toReversed()) {
    logger.debug({ service: service.name }, "stopping");
    await service.stop().catch((error: unknown) => {
      logger.error({ err: error, service: service.name }, "a service did not stop cleanly");
    });
  }
}
