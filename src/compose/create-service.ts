import { createSilentLogger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { composeServices } from "../kernel/service.ts";
import type { Authenticate, Readiness } from "../server/server-options.ts";
import { createHttpServer } from "../server/create-http-server.ts";
import { completeConfig } from "../config/config.ts";
import type { PowerCrud, PowerCrudOptions } from "./create-powercrud.ts";
import { createPowerCrud } from "./create-powercrud.ts";

/** What a whole service needs. */
export interface ServiceOptions extends PowerCrudOptions {
  /** Who asks. Default: everyone is unknown. */
  readonly authenticate?: Authenticate;
}

/** API and worker in one process. */
export interface PowerCrudService extends Service {
  /** Where it can be reached; the port is right once it has started. */
  readonly url: string;
  readonly powercrud: PowerCrud;
}

/** Everything on one HTTP server. */
export async function createService(options: ServiceOptions): Promise<PowerCrudService> {
  const { authenticate, logger = createSilentLogger() } = options;
  const config = completeConfig(options.config);
  const powercrud = await createPowerCrud({ ...options, config, logger });
  const server = createHttpServer({
    schema: powercrud.schema,
    tasks: powercrud.tasks,
    host: config.host,
    port: config.port,
    isReady: () => isReady(powercrud),
    logger,
    ...(authenticate === undefined ? {} : { authenticate }),
  });
  return {
    ...composeServices("service", [powercrud, server]),
    powercrud,
    get url() {
      return server.url;
    },
  };
}

/** Ready while that answers which nothing works without. A worker elsewhere is no matter of this process's. */
async function isReady({ health }: PowerCrud): Promise<Readiness> {
  const failed = (await health.readVital()).filter(({ status }) => status === "FAILED");
  // One cause may be found in several places.
  const problems = new Set(failed.map(({ message }) => message));
  return { isReady: failed.length === 0, problems: [...problems] };
}
