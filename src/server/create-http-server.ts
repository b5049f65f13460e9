import { AppError } from "../kernel/app-error.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import { createRequestHandler } from "./create-request-handler.ts";
import type { HttpServerOptions } from "./server-options.ts";
import { SERVER_LIMITS } from "./server-options.ts";
import type { Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";

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
  function end(this: ServerResponse): void {
    const { socket } = this.req;
    requests.set(socket, (requests.get(socket) ?? 1) - 1);
    closeIfIdle(socket);
  }
  server.on("connection", (socket: Socket) => {
    requests.set(socket, 0);
    socket.once("close", () => requests.delete(socket));
  });
  server.on("upgrade", (_request, socket) => requests.delete(socket as Socket));
  server.prependListener("request", ({ socket }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.on("close", end);
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
