import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import { Connections } from "./connections.ts";
import { hostText, listen } from "./listen.ts";
import { createRequestHandler } from "./create-request-handler.ts";
import type { HttpServerOptions } from "./server-options.ts";
import { SERVER_LIMITS } from "./server-options.ts";
import { createServer } from "node:http";
import type { Socket } from "node:net";

/** How often node looks for requests that are too slow, in ms. */
const TIMEOUT_CHECK_MS = 5000;

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
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const connections = new Connections(limits, logger);
  const handler = createRequestHandler({ ...options, listenHost: host, connections });
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      // A file to import takes as long as it takes; the handler limits the other requests.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, limits.headersTimeoutMs),
    },
    (request, response) => void handler.handle(request, response),
  );
  server.on("connection", (socket: Socket) => {
    if (!connections.add(socket)) {
      socket.destroy();
    }
  });
  server.on("upgrade", (request, socket, head) => handler.upgrade(request, socket, head));
  const service = createService({
    name: "http server",
    async start() {
      port = await listen(server, host, options.port);
      logger.info({ host, port }, "the http server listens");
    },
    async stop() {
      const drained = connections.drain(server, limits.drainTimeoutMs);
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
