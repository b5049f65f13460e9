import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import { hostText, listen } from "./listen.ts";
import { createRequestHandler } from "./create-request-handler.ts";
import type { HttpServerOptions } from "./server-options.ts";
import { SERVER_LIMITS } from "./server-options.ts";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { Socket } from "node:net";

/** The API over HTTP, server-sent events and WebSocket. */
export interface HttpServer extends Service {
  /** Its address, such as `http://127.0.0.1:4000`; the port is right once it has started. */
  readonly url: string;
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
  const handler = createRequestHandler({ ...options, listenHost: host });
  const server = createServer((request, response) => void handler.handle(request, response));
  const connections = trackConnections(server);
  server.on("upgrade", (request, socket, head) => handler.upgrade(request, socket, head));
  const { drainTimeoutMs = SERVER_LIMITS.drainTimeoutMs } = options.limits ?? {};
  const service = createService({
    name: "http server",
    async start() {
      port = await listen(server, host, options.port);
      logger.info({ host, port }, "the http server listens");
    },
    async stop() {
      const drained = connections.drain(drainTimeoutMs);
      await handler.close();
      await drained;
    },
  });
  return {
    ...service,
    get url() {
      return `http://${reachableHost(host)}:${port}`;
    },
  };
}

/** The host for a URL; a loopback address if the service listens on all addresses. */
function reachableHost(host: string): string {
  const wildcards: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "[::1]" };
  return wildcards[host] ?? hostText(host);
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
