import { ByteBudget } from "./byte-budget.ts";
import { Connections } from "./connections.ts";
import type { CallersRequest } from "./callers/peer.ts";
import { CallerGuard } from "./callers/caller-guard.ts";
import { peerOf } from "./callers/peer.ts";
import type { Callers } from "./callers/callers.ts";
import { createCallers } from "./callers/callers.ts";
import { createExportsHandler } from "./exports-handler.ts";
import { createFetchHandler } from "./fetch-handler.ts";
import { createDashboardHandler } from "./dashboard-handler.ts";
import { createGraphiqlPage } from "./graphiql-page.ts";
import { createGraphQLHandler } from "./graphql-handler.ts";
import { headersOf, headOf, refusalBody, sendRefusal } from "./http-messages.ts";
import { createErrorMask } from "./mask-error.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import { createOriginPolicy, isLoopback } from "./origin-policy.ts";
import { createPersistedDocuments } from "./persisted-documents.ts";
import { createRequestRouter, pathOf } from "./request-router.ts";
import { RateLimiter } from "./rate-limiter.ts";
import type { ImportsHandlerOptions } from "./imports-handler.ts";
import { createImportsHandler } from "./imports-handler.ts";
import { createQueueBoardHandler } from "./queue-board-handler.ts";
import { createResultsHandler } from "./results-handler.ts";
import type { FileRoute } from "./send-file.ts";
import { createTaskFileHandler } from "./task-file-handler.ts";
import type { HttpServerOptions, ServerLimits } from "./server-options.ts";
import { MAX_FAILED_SIGN_INS, SERVER_LIMITS } from "./server-options.ts";
import { createSocketProtocol } from "./socket-protocol.ts";
import type { SocketServer } from "./socket-server.ts";
import { createSocketServer } from "./socket-server.ts";
import { ALL_SEEN } from "../core/tasks/task-sight.ts";
import { writePlainId } from "../core/records/typed-id.ts";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** The options of {@link createRequestHandler}. */
export interface RequestHandlerOptions extends Omit<HttpServerOptions, "host" | "port"> {
  /** The host that the server listens on; it decides which web pages may use the service. */
  readonly listenHost: string;
  /** The connections of the server, if it knows them. Default: they are known by their requests. */
  readonly connections?: Connections;
}

/** The API without a server: GraphQL, GraphiQL, WebSockets, result files and health, for the requests of any Node server. */
export interface RequestHandler {
  /** Whether the request's path is the API's: `/graphql`, `/health/…`, `/queues/…`, an export or a task's file. `/` is not. */
  serves(request: IncomingMessage): boolean;
  /** Answers a request whose body nobody has read; other paths with 404. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /**
   * Answers a request of the web platform, such as that of a route handler in Next.js: GraphQL over HTTP and SSE at
   * `/graphql`, and health. There are no WebSockets, files and pages. Never rejects.
   */
  fetch(request: Request): Promise<Response>;
  /**
   * Turns a request for `/graphql` into a WebSocket; refuses others. A request for another protocol, such as `h2c`, is given
   * back to its server as an ordinary one. For the event `upgrade` of the server.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Breaks subscriptions off (event streams without `complete`, WebSockets with 1001), and waits until the WebSockets are
   * closed. Call it when the server stops listening.
   */
  close(): Promise<void>;
}

/** The API for the requests of a server. */
export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  const { schema, logger, isReady = alwaysReady } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const guard = guardOf(options, limits);
  const callers = callersOf(options, guard);
  const maskError = createErrorMask(logger);
  const origins = createOriginPolicy(options);
  const budget = new ByteBudget(limits.maxReceivedBytes);
  const connections = options.connections ?? new Connections(limits, logger);
  const graphql = createGraphQLHandler({
    schema,
    callers,
    isIntrospectable: options.isIntrospectable ?? true,
    maskError,
    ...limits,
    budget,
    documents: createPersistedDocuments(options.persisted),
    ...watchersOf(options, guard),
  });
  const protocol = createSocketProtocol({ tools: graphql, callers, guard, maskError, ...limits });
  const onCount = options.watch?.webSockets;
  const sockets = createSocketServer({ protocol, logger, budget, onCount, ...limits });
  const router = createRequestRouter({
    graphql,
    ...pagesOf(options, callers),
    files: filesOf(options, limits, { callers, guard, budget }),
    callers,
    guard,
    origins,
    isReady,
    logger,
  });
  return {
    serves: router.serves,
    handle: limitConnections(router.handle, { connections, limits, guard }),
    fetch: createFetchHandler({ graphql, callers, guard, origins, isReady }),
    upgrade(request, socket, head) {
      if (!isForWebSocket(request)) {
        ignoreUpgrade(request, socket, head);
        return;
      }
      const refusal = upgradeRefusal(request, { origins, sockets, limits, guard });
      if (refusal === undefined) {
        connections.upgrade(socket);
        sockets.accept(request, socket, head);
      } else {
        refuseUpgrade(socket, refusal);
      }
    },
    async close() {
      graphql.breakOffStreams();
      await sockets.close();
    },
  };
}

/** The files that are sent and taken. */
function filesOf(
  { tasks, exports, taskFiles, imports, audit = () => undefined, ...options }: RequestHandlerOptions,
  { exportIdleMs, requestTimeoutMs: idleMs }: Required<ServerLimits>,
  parts: Pick<ImportsHandlerOptions, "callers" | "guard" | "budget">,
): readonly FileRoute[] {
  const { sight = ALL_SEEN, writeId = writePlainId } = options;
  const exported =
    exports === undefined ? [] : [createExportsHandler({ exports, audit, ...parts, idleMs: exportIdleMs })];
  if (tasks === undefined) {
    return exported;
  }
  const shared = { tasks, sight, idleMs, ...parts };
  return [
    createResultsHandler({ ...shared, writeId, imports }),
    ...(taskFiles === undefined ? [] : [createTaskFileHandler({ ...shared, files: taskFiles, exports })]),
    ...(imports === undefined ? [] : [createImportsHandler({ ...shared, imports, models: imports.models })]),
    ...exported,
  ];
}

/** What browsers get. */
function pagesOf(
  { schema, hasGraphiql = true, dashboardFolder, openBoard, listenHost }: RequestHandlerOptions,
  callers: Callers,
) {
  return {
    graphiql: hasGraphiql ? createGraphiqlPage(schema) : undefined,
    dashboard: dashboardFolder === undefined ? undefined : createDashboardHandler(dashboardFolder),
    board:
      openBoard && createQueueBoardHandler({ open: openBoard, listenHost, isLocal: isLoopback, callers }),
  };
}

function watchersOf({ watch, tracing }: RequestHandlerOptions, guard: CallerGuard) {
  return { watch, tracing, guard };
}

function guardOf(options: RequestHandlerOptions, limits: Required<ServerLimits>): CallerGuard {
  const { rateLimit = 0, maxFailedSignIns = MAX_FAILED_SIGN_INS, rates: store } = options;
  const { proxyHops = 0, audit, logger } = options;
  const limiter = (perMinute: number, message: string): RateLimiter | undefined =>
    perMinute === 0 ? undefined : new RateLimiter({ perMinute, store, logger, message });
  return new CallerGuard({
    operations: limiter(
      rateLimit,
      `At most ${rateLimit} operations in a minute are executed for one caller.`,
    ),
    failures: limiter(maxFailedSignIns, "Too many failed sign-ins."),
    ...limits,
    proxyHops,
    audit,
  });
}

function callersOf({ authenticate, callers }: RequestHandlerOptions, guard: CallerGuard): Callers {
  const given = callers ?? createCallers({ isRequired: false });
  return (authenticate === undefined ? given : given.by(authenticate)).guardedBy(guard);
}

/** Answers the requests that their connections may have. */
function limitConnections(
  handle: RequestHandler["handle"],
  {
    connections,
    limits,
    guard,
  }: Pick<UpgradeGuards, "limits" | "guard"> & { readonly connections: Connections },
): RequestHandler["handle"] {
  return (request, response) => {
    const admission = connections.admit(request, response);
    if (admission === "ADMITTED") {
      limitBody(request, limits.requestTimeoutMs);
      return handle(request, response);
    }
    if (admission === "REFUSED") {
      guard.noteStranger(headOf(request, response), "limit", "connections or requests");
      response.setHeaders(new Map(Object.entries({ connection: "close", "retry-after": "1" })));
      sendRefusal(response, 429, "LIMIT_EXCEEDED", tooManyRequests(limits));
    }
    return Promise.resolve();
  };
}

/** Cuts a client off that takes too long to send a body. A file to import is only not to stop coming. */
function limitBody(request: IncomingMessage, timeoutMs: number): void {
  const { "content-length": length = "0", "transfer-encoding": coding } = request.headers;
  if ((coding === undefined && length === "0") || pathOf(request).startsWith("/imports/")) {
    return;
  }
  const timer = setTimeout(() => {
    if (!request.complete) {
      request.socket.end("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
      request.destroy();
    }
  }, timeoutMs);
  timer.unref();
  request.once("close", () => clearTimeout(timer));
}

function tooManyRequests(limits: Required<ServerLimits>): string {
  return `At most ${limits.maxPipelinedRequests} requests of one connection, and ${limits.maxConnectionsPerAddress} connections from one address, are served at a time. Wait for answers, or open fewer connections.`;
}

interface UpgradeGuards {
  readonly origins: OriginPolicy;
  readonly sockets: SocketServer;
  readonly limits: Required<ServerLimits>;
  readonly guard: CallerGuard;
}

/** Why a request may not become a WebSocket. */
interface UpgradeRefusal {
  /** The HTTP status, with its words. */
  readonly status: string;
  /** Default: none. */
  readonly message?: string;
}

function upgradeRefusal(request: IncomingMessage, guards: UpgradeGuards): UpgradeRefusal | undefined {
  if (pathOf(request) !== "/graphql") {
    return { status: "404 Not Found" };
  }
  const message = guards.origins.refusalOf(request.headers);
  if (message !== undefined) {
    guards.guard.noteStranger(headOfUpgrade(request), "forbidden", "origin");
    return { status: "403 Forbidden", message };
  }
  if (guards.sockets.count() >= guards.limits.maxSockets) {
    guards.guard.noteStranger(headOfUpgrade(request), "unavailable", "sockets");
    return { status: "503 Service Unavailable" };
  }
  return undefined;
}

function headOfUpgrade(request: IncomingMessage): CallersRequest {
  return { headers: headersOf(request), peer: peerOf(request), rate: undefined };
}

function refuseUpgrade(socket: Duplex, { status, message }: UpgradeRefusal): void {
  const body = message === undefined ? "" : JSON.stringify(refusalBody("VALIDATION_FAILED", message));
  const head = [
    `HTTP/1.1 ${status}`,
    "Connection: close",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(body === "" ? [] : ["Content-Type: application/json; charset=utf-8"]),
  ];
  socket.on("error", () => socket.destroy());
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

function alwaysReady(): Promise<{ isReady: boolean; problems: readonly string[] }> {
  return Promise.resolve({ isReady: true, problems: [] });
}

/** Whether a request to upgrade asks for a WebSocket. */
function isForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Serves a request as if it had not asked for another protocol. HTTP allows that, and clients that would like to speak
 * HTTP/2 rely on it: Java's asks for `h2c` with its first request, whatever the body. Node has detached its parser from the
 * connection by then, so the connection is given to the server anew, with the head of the request written again.
 */
function ignoreUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { server } = socket as Socket & { readonly server?: Server };
  if (server === undefined) {
    socket.destroy();
    return;
  }
  socket.unshift(Buffer.concat([Buffer.from(plainHead(request), "latin1"), head]));
  server.emit("connection", socket);
}

/** Headers that say something about the upgrade. */
const UPGRADE_HEADERS = new Set(["upgrade", "http2-settings", "connection"]);

function plainHead({ method, url, httpVersion, rawHeaders, headers }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (!UPGRADE_HEADERS.has(name.toLowerCase())) {
      lines.push(`${name}: ${rawHeaders[at + 1]}`);
    }
  }
  if (/\bclose\b/i.test(headers.connection ?? "")) {
    lines.push("Connection: close");
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
