import { join } from "node:path";
import { packageFolder } from "../adapters/postgres/package-folder.ts";
import type { Logger } from "../kernel/logger.ts";
import { createSilentLogger } from "../kernel/logger.ts";
import type { RequestHandler, RequestHandlerOptions } from "../server/create-request-handler.ts";
import { createRequestHandler as createHandler } from "../server/create-request-handler.ts";
import type { HttpServerOptions, Readiness } from "../server/server-options.ts";
import type { PowerCrud } from "./create-powercrud.ts";

/** Where the build puts the dashboard, of a checkout and of the package. */
export const DASHBOARD_FOLDER = join(packageFolder(import.meta.dirname), "dist/dashboard");

/** The options of {@link createRequestHandler}. */
export interface PowerCrudHandlerOptions extends Pick<
  RequestHandlerOptions,
  | "authenticate"
  | "allowedOrigins"
  | "allowedHosts"
  | "rateLimit"
  | "maxFailedSignIns"
  | "proxyHops"
  | "persisted"
  | "limits"
  | "listenHost"
  | "isIntrospectable"
  | "hasGraphiql"
> {
  /** A started one, which the handler neither starts nor stops. */
  readonly powercrud: PowerCrud;
  /** Whether `/dashboard/` is served. Default: true. */
  readonly hasDashboard?: boolean;
  /** Default: logs nothing. */
  readonly logger?: Logger;
}

/**
 * The API for a server of your own: GraphQL over HTTP, SSE and WebSocket, GraphiQL, dashboard, result files and health, at the same paths
 * as in {@link createService}.
 * @throws AppError INVALID_CONFIG where `listenHost` is no loopback address and nothing says whether callers must identify
 *   themselves
 */
export function createRequestHandler(options: PowerCrudHandlerOptions): RequestHandler {
  const { powercrud, logger = createSilentLogger(), hasDashboard = true, ...rest } = options;
  powercrud.authentication.checkHost(rest.listenHost);
  const dashboardFolder = hasDashboard ? DASHBOARD_FOLDER : undefined;
  return createHandler({ ...served(powercrud), ...rest, dashboardFolder, logger });
}

/** What a server needs of the engine. */
export function served(
  powercrud: PowerCrud,
): Pick<
  HttpServerOptions,
  | "schema"
  | "tasks"
  | "exports"
  | "taskFiles"
  | "imports"
  | "writeId"
  | "openBoard"
  | "rates"
  | "isReady"
  | "callers"
  | "sight"
  | "watch"
  | "tracing"
  | "audit"
> {
  const {
    schema,
    tasks,
    imports,
    exports,
    taskFiles,
    writeId,
    openBoard,
    rates,
    authentication,
    metrics,
    tracing,
    audit,
  } = powercrud;
  const { callers, sight } = authentication;
  const parts = { schema, tasks, imports, exports, taskFiles, writeId, openBoard, rates, callers, sight };
  return { ...parts, watch: metrics, tracing, audit, isReady: () => isReady(powercrud) };
}

/** Ready while the database answers. */
async function isReady({ health }: PowerCrud): Promise<Readiness> {
  const failed = (await health.readVital()).filter(({ status }) => status === "FAILED");
  // Several checks may report the same cause.
  const problems = new Set(failed.map(({ message }) => message));
  return { isReady: failed.length === 0, problems: [...problems] };
}
