import { once } from "node:events";

import { createDatabase } from "../compose/create-database.ts";
import type { ServiceOptions } from "../compose/create-service.ts";
import type { Service } from "../kernel/service.ts";
import type { CliContext } from "./cli-context.ts";

type Role = NonNullable<ServiceOptions["role"]>;

/**
 * Runs a process of the given role until the stop signal. Prints one line when it does its work: `ready http://…` when
 * it accepts requests, or `ready worker <id>` when it does nothing but take tasks.
 * @param prepareDatabase makes the database fit to be used, or throws
 * @throws what keeps it from starting; what had been started by then is stopped
 */
export async function runRole(
  context: CliContext,
  role: Role,
  prepareDatabase: (databaseUrl: string) => Promise<void>,
): Promise<void> {
  const loading = role === "work" ? loadWorker() : loadServer(role);
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
    await prepareDatabase(databaseUrl);
    const create = await loading;
    const { address } = await launch(() => create({ config, databaseUrl, projectDir, logger }));
    context.print(`ready ${address}`);
    await untilAborted(context.stopSignal);
  } finally {
    await stopInReverse(started, context);
  }
}

/** A service that says where it is to be found; only once it has started. */
type Addressed = Service & { readonly address: string };
/** Loading the service takes longer than all that comes before its start, so the two go on side by side. */
type Loading = Promise<(options: Omit<ServiceOptions, "app" | "role">) => Promise<Addressed>>;

async function loadServer(role: Role): Loading {
  const [{ createService }, { powerCrudApp }] = await Promise.all([
    import("../compose/create-service.ts"),
    import("../app/powercrud-app.ts"),
  ]);
  return async (options) => {
    const service = await createService({ ...options, role, app: powerCrudApp });
    return {
      ...service,
      get address() {
        return service.url;
      },
    };
  };
}

async function loadWorker(): Loading {
  const [{ createPowerCrud }, { powerCrudApp }] = await Promise.all([
    import("../compose/create-powercrud.ts"),
    import("../app/powercrud-app.ts"),
  ]);
  return async (options) => {
    const powercrud = await createPowerCrud({ ...options, role: "work", app: powerCrudApp });
    return { ...powercrud, address: `worker ${powercrud.processId}` };
  };
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
