import { createSilentLogger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { composeServices } from "../kernel/service.ts";
import type { Authenticate, Readiness } from "../server/server-options.ts";
import { createHttpServer } from "../server/create-http-server.ts";
import { completeConfig } from "../config/config.ts";
import type { PowerCrud, PowerCrudOptions } from "./create-powercrud.ts";
import { createPowerCrud } from "./create-powercrud.ts";

/** The options of {@link createService}. */
export interface ServiceOptions extends PowerCrudOptions {
  /** Finds the viewer of a request. Default: every caller is anonymous. */
  readonly authenticate?: Authenticate;
}

/** A running service: the engine with its HTTP server. */
export interface PowerCrudService extends Service {
  /** The server's address; the port is right once it has started. */
  readonly url: string;
  readonly powercrud: PowerCrud;
}

/**
 * Wires the engine and an HTTP server with GraphQL, WebSocket, SSE, GraphiQL, result files and health. `start` it to serve.
 * @throws as {@link createPowerCrud}
 */
export async function createService(options: ServiceOptions): Promise<PowerCrudService> {
  const { authenticate, logger = createSilentLogger() } = options;
  const settings = completeConfig(options.settings);
  const powercrud = await createPowerCrud({ ...options, settings, logger });
  const server = createHttpServer({
    schema: powercrud.schema,
    tasks: powercrud.tasks,
    host: settings.host,
    port: settings.port,
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

/** Ready while the database answers. */
async function isReady({ health }: PowerCrud): Promise<Readiness> {
  const failed = (await health.readVital()).filter(({ status }) => status === "FAILED");
  // Several checks may report the same cause.
  const problems = new Set(failed.map(({ message }) => message));
  return { isReady: failed.length === 0, problems: [...problems] };
}
