import { AppError } from "../kernel/app-error.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import { createGraphiqlPage } from "./graphiql-page.ts";
import type { GraphQLHandler } from "./graphql-handler.ts";
import { createGraphQLHandler } from "./graphql-handler.ts";
import { createErrorMask } from "./mask-error.ts";
import type { OriginPolicy } from "./request-router.ts";
import { createOriginPolicy, createRequestRouter, pathOf } from "./request-router.ts";
import { createResultsHandler } from "./results-handler.ts";
import type { HttpServerOptions, ServerLimits } from "./server-options.ts";
import { SERVER_LIMITS, authenticateAsAnonymous } from "./server-options.ts";
import { createSocketProtocol } from "./socket-protocol.ts";
import type { SocketServer } from "./socket-server.ts";
import { createSocketServer } from "./socket-server.ts";
import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** The API over HTTP, server-sent events and WebSocket. */
export interface HttpServer extends Service {
  /** Its address, such as `http://127.0.0.1:4000`; the port is right once it has started. */
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
  const { schema, logger, authenticate = authenticateAsAnonymous, isReady = alwaysReady } = options;
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

/** The HTTP status that refuses the upgrade; undefined if the request may become a WebSocket. */
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

/** The host for a URL; a loopback address if the service listens on all addresses. */
function reachableHost(host: string): string {
  const wildcards: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "[::1]" };
  return wildcards[host] ?? hostText(host);
}

function alwaysReady(): Promise<{ isReady: boolean; problems: readonly string[] }> {
  return Promise.resolve({ isReady: true, problems: [] });
}

/**
 * Listens on the port.
 * @returns the port; the system picks one for 0
 * @throws AppError START_FAILED, naming host and port
 */
async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(startFailed(host, port, error));
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use. Stop what listens there, or set another PORT",
  EACCES: "the system does not allow it. Set a PORT above 1023",
  EADDRNOTAVAIL: "this machine does not have the address. Set another HOST",
  ENOTFOUND: "the host name is not known. Set another HOST",
};

function startFailed(host: string, port: number, error: NodeJS.ErrnoException): AppError {
  const reason = REASONS[error.code ?? ""] ?? error.message;
  return new AppError("START_FAILED", `Cannot listen on ${hostText(host)}:${port}: ${reason}.`, {
    cause: error,
  });
}

/** The host as in a URL: IPv6 addresses in brackets. */
function hostText(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The connections of an HTTP server, for a stop that is quick and still finishes the requests under way. */
interface OpenConnections {
  /**
   * Accepts no new connection and no new request, waits until the requests under way are answered, and cuts off the rest
   * after the timeout. Connections that became WebSockets are left alone.
   */
  drain(timeoutMs: number): Promise<void>;
}

/**
 * Node's own `closeIdleConnections` overlooks connections without a first request, which browsers open in advance.
 */
function trackConnections(server: Server): OpenConnections {
  /** The number of requests under way on each connection. */
  const requests = new Map<Socket, number>();
  let isDraining = false;
  const closeIfIdle = (socket: Socket): void => {
    if (isDraining && requests.get(socket) === 0) {
      socket.destroySoon();
    }
  };
  server.on("connection", (socket: Socket) => {
    requests.set(socket, 0);
    socket.once("close", () => requests.delete(socket));
  });
  server.on("upgrade", (_request, socket) => requests.delete(socket as Socket));
  server.prependListener("request", ({ socket }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once("close", () => {
      requests.set(socket, (requests.get(socket) ?? 1) - 1);
      closeIfIdle(socket);
    });
  });
  return {
    async drain(timeoutMs) {
      isDraining = true;
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      const deadline = setTimeout(() => {
        for (const socket of requests.keys()) {
          socket.destroy();
        }
      }, timeoutMs);
      for (const socket of requests.keys()) {
        closeIfIdle(socket);
      }
      await closed;
      clearTimeout(deadline);
    },
  };
}
