import type { Logger } from "../kernel/logger.ts";
import type { GraphiqlPage } from "./graphiql-page.ts";
import type { GraphQLHandler } from "./graphql-handler.ts";
import { sendJson, sendRefusal } from "./http-messages.ts";
import type { QueueBoardHandler } from "./queue-board-handler.ts";
import { BOARD_PATH } from "./queue-board-handler.ts";
import type { ResultsHandler } from "./results-handler.ts";
import type { Readiness } from "./server-options.ts";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Finds the route of a request. */
interface RequestRouter {
  /** Whether the path has a route. `/`, which leads browsers to GraphiQL, does not count. */
  serves(request: IncomingMessage): boolean;
  /** Answers one request. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** The handlers of the routes, and the origin policy. */
interface RouterOptions {
  readonly graphql: GraphQLHandler;
  readonly graphiql: GraphiqlPage;
  /** Left out: there are no result files. */
  readonly results?: ResultsHandler | undefined;
  /** Left out: there is no board. */
  readonly board?: QueueBoardHandler | undefined;
  readonly origins: OriginPolicy;
  readonly isReady: () => Promise<Readiness>;
  readonly logger: Logger;
}

type Route = (
  options: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void> | void;

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/graphql", serveGraphQL],
  ["/health/live", (_options, _request, response) => sendJson(response, 200, { isLive: true })],
  ["/health/ready", serveReadiness],
  ["/", serveRoot],
]);

export function createRequestRouter(options: RouterOptions): RequestRouter {
  return {
    serves(request) {
      const path = pathOf(request);
      return (
        path !== "/" &&
        (ROUTES.has(path) || isOfBoard(options, path) || options.results?.at(path) !== undefined)
      );
    },
    async handle(request, response) {
      try {
        const path = pathOf(request);
        const route = ROUTES.get(path) ?? (isOfBoard(options, path) ? serveBoard : serveResults);
        await route(options, request, response);
      } catch (error) {
        options.logger.error({ err: error }, "a request could not be answered");
        if (response.headersSent) {
          response.destroy();
        } else {
          sendRefusal(response, 500, "INTERNAL", "Unexpected error.");
        }
      }
    },
  };
}

/** The path, without the query string. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

/** Content types of GraphQL. A browser sends a preflight before it sends one of these to another origin. */
export const GRAPHQL_TYPES = /^application\/(json|graphql\+json|graphql)\s*(;|$)/i;

async function serveGraphQL(
  options: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isAllowed(options, request)) {
    refuseOrigin(request, response);
  } else if (request.method === "POST" && !GRAPHQL_TYPES.test(request.headers["content-type"] ?? "")) {
    sendRefusal(response, 415, "VALIDATION_FAILED", "Send the content type application/json.");
  } else if (isBrowser(request)) {
    await options.graphiql.send(request, response);
  } else {
    await options.graphql.handle(request, response);
  }
}

async function serveResults(
  options: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = options.results?.at(pathOf(request));
  if (answer === undefined) {
    serveNothing(options, request, response);
  } else if (!isAllowed(options, request)) {
    refuseOrigin(request, response);
  } else {
    await answer(request, response);
  }
}

function isOfBoard({ board }: RouterOptions, path: string): boolean {
  return board !== undefined && (path === BOARD_PATH || path.startsWith(`${BOARD_PATH}/`));
}

async function serveBoard(
  options: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (isAllowed(options, request)) {
    await options.board?.(request, response);
  } else {
    refuseOrigin(request, response);
  }
}

function isAllowed({ origins }: RouterOptions, { headers }: IncomingMessage): boolean {
  return origins.isAllowed(headers.origin, headers.host);
}

function refuseOrigin({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
  sendRefusal(response, 403, "VALIDATION_FAILED", `Pages from ${origin} may not use this service.`);
}

async function serveReadiness(
  { isReady }: RouterOptions,
  _request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const readiness = await isReady();
  sendJson(response, readiness.isReady ? 200 : 503, readiness);
}

function serveRoot(options: RouterOptions, request: IncomingMessage, response: ServerResponse): void {
  if (isBrowser(request)) {
    response.writeHead(302, { location: "/graphql" }).end();
  } else {
    serveNothing(options, request, response);
  }
}

function serveNothing(_options: RouterOptions, request: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(request).slice(0, 200);
  sendRefusal(response, 404, "NOT_FOUND", `There is nothing at ${path}. The API is at /graphql.`);
}

function isBrowser(request: IncomingMessage): boolean {
  return request.method === "GET" && (request.headers.accept ?? "").includes("text/html");
}

/** Decides which web pages may use the service. Programs other than browsers send no origin, and are always allowed. */
export interface OriginPolicy {
  /** @param host the request's Host header */
  isAllowed(origin: string | undefined, host: string | undefined): boolean;
}

/**
 * Allows the service's own pages, the listed origins, and, on a loopback address, all pages from loopback. There, a page
 * whose host name only resolves to this machine is refused: that is an attack by DNS rebinding.
 */
export function createOriginPolicy(options: {
  readonly listenHost: string;
  readonly allowedOrigins: readonly string[];
}): OriginPolicy {
  const isLocal = isLoopback(options.listenHost);
  return {
    isAllowed(origin, host) {
      if (origin === undefined || options.allowedOrigins.includes(origin)) {
        return true;
      }
      const page = URL.canParse(origin) ? new URL(origin) : undefined;
      return page !== undefined && (isLocal ? isLoopback(page.hostname) : page.host === host);
    },
  };
}

/** Whether a host name is one of this machine's own, such as `localhost`. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|(.+\.)?localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}
