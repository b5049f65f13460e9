import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import { authenticateNobody } from "./authenticate.ts";
import { createGraphiqlPage } from "./graphiql-page.ts";
import type { GraphQLHandler } from "./graphql-handler.ts";
import { createGraphQLHandler } from "./graphql-handler.ts";
import { hostText, listen } from "./listen.ts";
import { createErrorMask } from "./mask-error.ts";
import type { OpenConnections } from "./open-connections.ts";
import { trackConnections } from "./open-connections.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import { createOriginPolicy } from "./origin-policy.ts";
import { createResultsHandler } from "./results-handler.ts";
import { createRequestRouter, pathOf } from "./request-router.ts";
import type { HttpServerOptions, ServerLimits } from "./server-options.ts";
import { SERVER_LIMITS } from "./server-options.ts";
import { createSocketProtocol } from "./socket-protocol.ts";
import type { SocketServer } from "./socket-server.ts";
import { createSocketServer } from "./socket-server.ts";

/** The API over HTTP, server-sent events and WebSocket. */
export interface HttpServer extends Service {
  /** Where it can be reached, such as `http://127.0.0.1:4000`; the port is right once it has started. */
  readonly url: string;
}

interface Parts {
  readonly server: Server;
  readonly connections: OpenConnections;
  readonly sockets: SocketServer;
  readonly graphql: GraphQLHandler;
  readonly limits: Required<ServerLimits>;
}

interface UpgradeGuards extends Pick<Parts, "sockets" | "limits"> {
  readonly origins: OriginPolicy;
}

/**
 * Serves the schema at `/graphql`, GraphiQL to browsers, tasks' results below `/tasks`, and health at `/health/live` and
 * `/health/ready`.
 *
 * Its start rejects with AppError START_FAILED when it cannot listen. Its stop accepts nothing new, breaks subscriptions
 * off (event streams without `complete`, WebSockets with 1001), waits for the requests under way, and cuts off the rest
 * after the drain timeout.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { host, logger } = options;
  let port = options.port;
  const parts = createParts(options);
  const service = createService({
    name: "http server",
    async start() {
      port = await listen(parts.server, host, options.port);
      logger.info({ host, port }, "the http server listens");
    },
    stop: () => stop(parts),
  });
  return {
    ...service,
    get url() {
      return `http://${reachableHost(host)}:${port}`;
    },
  };
}

function createParts(options: HttpServerOptions): Parts {
  const { schema, logger, authenticate = authenticateNobody, isReady = alwaysReady } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const maskError = createErrorMask(logger);
  const origins = createOriginPolicy({
    listenHost: options.host,
    allowedOrigins: options.allowedOrigins ?? [],
  });
  const { maxBodyBytes, maxOperationCost } = limits;
  const graphql = createGraphQLHandler({
    schema,
    authenticate,
    maskError,
    maxBodyBytes,
    maxOperationCost,
  });
  const protocol = createSocketProtocol({ tools: graphql, authenticate, maskError, ...limits });
  const sockets = createSocketServer({ protocol, logger, ...limits });
  const results =
    options.tasks === undefined ? undefined : createResultsHandler({ tasks: options.tasks, authenticate });
  const graphiql = createGraphiqlPage();
  const route = createRequestRouter({ graphql, graphiql, results, origins, isReady, logger });

  const server = createServer((request, response) => void route(request, response));
  const connections = trackConnections(server);
  server.on("upgrade", (request, socket, head) => {
    const refusal = upgradeRefusal(request, { origins, sockets, limits });
    if (refusal === undefined) {
      sockets.accept(request, socket, head);
    } else {
      refuseUpgrade(socket, refusal);
    }
  });
  return { server, connections, sockets, graphql, limits };
}

/** The HTTP status that says why the request does not become a WebSocket; undefined when it does. */
function upgradeRefusal(request: IncomingMessage, guards: UpgradeGuards): string | undefined {
  const { origin, host } = request.headers;
  if (pathOf(request) !== "/graphql") {
    return "404 Not Found";
  }
  if (!guards.origins.isAllowed(origin, host)) {
    return "403 Forbidden";
  }
  return guards.sockets.count() >= guards.limits.maxSockets ? "503 Service Unavailable" : undefined;
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

async function stop({ connections, sockets, graphql, limits }: Parts): Promise<void> {
  const drained = connections.drain(limits.drainTimeoutMs);
  graphql.breakOffStreams();
  await sockets.close();
  await drained;
}

/** A service that listens on every address is reached on this one. */
function reachableHost(host: string): string {
  const wildcards: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "[::1]" };
  return wildcards[host] ?? hostText(host);
}

function alwaysReady(): Promise<{ isReady: boolean; problems: readonly string[] }> {
  return Promise.resolve({ isReady: true, problems: [] });
}
