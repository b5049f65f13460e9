import type { Logger } from "../kernel/logger.ts";
import { createSilentLogger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { composeServices, createService as defineService } from "../kernel/service.ts";
import type { Authenticate } from "../server/callers/caller.ts";
import { createHttpServer } from "../server/create-http-server.ts";
import { completeConfig } from "../config/config.ts";
import type { PowerCrud, PowerCrudOptions } from "./create-powercrud.ts";
import { createPowerCrud } from "./create-powercrud.ts";
import { DASHBOARD_FOLDER, served } from "./serve-powercrud.ts";

/** The options of {@link createService}. */
export interface ServiceOptions extends PowerCrudOptions {
  /** Finds the viewer of a request, in the place of `auth.authenticate` of the config. Default: that. */
  readonly authenticate?: Authenticate;
  /**
   * Web origins (`https://app.example.com`) whose pages may use the service, besides its own. Default: those of the setting
   * `allowedOrigins`.
   */
  readonly allowedOrigins?: readonly string[];
}

/** A running service: the engine with its HTTP server. */
export interface PowerCrudService extends Service {
  /** The server's address; the port is right once it has started. */
  readonly url: string;
  readonly powercrud: PowerCrud;
}

/**
 * Wires the engine and an HTTP server with GraphQL, WebSocket, SSE, GraphiQL, dashboard, result files and health. `start` it to serve.
 * @throws as {@link createPowerCrud}
 */
export async function createService(options: ServiceOptions): Promise<PowerCrudService> {
  const { authenticate, allowedOrigins, ...rest } = options;
  const { logger = createSilentLogger() } = options;
  const settings = completeConfig(options.settings);
  const config =
    authenticate === undefined
      ? options.config
      : { ...options.config, auth: { ...options.config.auth, authenticate } };
  const powercrud = await createPowerCrud({ ...rest, config, settings, logger });
  const isOpen = !powercrud.authentication.callers.isRequired;
  const isOn = (word: "auto" | "true" | "false"): boolean => (word === "auto" ? isOpen : word === "true");
  const server = createHttpServer({
    ...served(powercrud),
    host: settings.host,
    port: settings.port,
    allowedOrigins: allowedOrigins ?? settings.allowedOrigins,
    allowedHosts: settings.allowedHosts,
    rateLimit: settings.rateLimit,
    maxFailedSignIns: settings.maxFailedSignIns,
    limits: { maxConnectionsPerViewer: settings.maxConnectionsPerViewer },
    proxyHops: settings.proxyHops,
    persisted: {
      folder: settings.persistedDocuments,
      isFolderOnly: settings.isPersistedOnly,
      isAutomatic: settings.isAutomaticPersisted,
    },
    isIntrospectable:
      isOn(settings.introspection) || (settings.introspection === "auto" && settings.dashboard === "true"),
    hasGraphiql: isOn(settings.graphiql),
    dashboardFolder: isOn(settings.dashboard) ? DASHBOARD_FOLDER : undefined,
    logger,
  });
  return {
    ...composeServices("service", [powercrud, gateOf(powercrud, logger), server]),
    powercrud,
    get url() {
      return server.url;
    },
  };
}

/** Keeps the server from listening while nobody could come in. */
function gateOf({ authentication }: PowerCrud, logger: Logger): Service {
  return defineService({
    name: "authentication",
    async start() {
      await authentication.requireWay();
      logger.info({}, authentication.notice);
    },
    stop: () => Promise.resolve(),
  });
}
