import type { Logger } from "../kernel/logger.ts";
import type { GivenCredentials } from "./callers/caller.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import type { Callers } from "./callers/callers.ts";
import type { DashboardHandler } from "./dashboard-handler.ts";
import { DASHBOARD_PATH } from "./dashboard-handler.ts";
import type { GraphiqlPage } from "./graphiql-page.ts";
import type { GraphQLHandler } from "./graphql-handler.ts";
import { headOf, sendJson, sendRefusal, sendTypeRefusal } from "./http-messages.ts";
import { refuseTypes } from "./media-types.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import { corsHeaders, preflightHeaders } from "./origin-policy.ts";
import type { QueueBoardHandler } from "./queue-board-handler.ts";
import { BOARD_PATH } from "./queue-board-handler.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import type { FileAnswer, FileRoute } from "./send-file.ts";
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
  /** Left out: browsers get no page. */
  readonly graphiql?: GraphiqlPage | undefined;
  /** The files that are sent and taken. */
  readonly files: readonly FileRoute[];
  /** Left out: there is no dashboard. */
  readonly dashboard?: DashboardHandler | undefined;
  /** Left out: there is no board. */
  readonly board?: QueueBoardHandler | undefined;
  readonly callers: Callers;
  readonly guard: CallerGuard;
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
        (ROUTES.has(path) || pageAt(options, path) !== undefined || fileAt(options, path) !== undefined)
      );
    },
    async handle(request, response) {
      try {
        if (!isAnswered(options, request, response)) {
          const path = pathOf(request);
          const page = pageAt(options, path);
          const route = ROUTES.get(path) ?? serveFile;
          await (page === undefined ? route(options, request, response) : page(request, response));
        }
      } catch (error) {
        const requestId = requestIdOf(headOf(request, response));
        options.logger.error({ err: error, requestId }, "a request could not be answered");
        if (response.headersSent) {
          response.destroy();
        } else {
          response.setHeader(REQUEST_ID_HEADER, requestId);
          sendRefusal(response, 500, "INTERNAL", "Unexpected error.", { requestId });
        }
      }
    },
  };
}

/** Refuses pages of other origins, answers preflights, and tells the browsers of allowed pages that they may read the answer. */
function isAnswered(
  { origins, guard }: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { origin } = request.headers;
  response.setHeader("vary", "Origin");
  const refusal = origins.refusalOf(request.headers);
  if (refusal !== undefined) {
    guard.noteStranger(headOf(request, response), "forbidden", "origin");
    sendRefusal(response, 403, "VALIDATION_FAILED", refusal);
    return true;
  }
  if (origin === undefined) {
    return false;
  }
  response.setHeaders(new Map(Object.entries(corsHeaders(origin))));
  if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) {
    return false;
  }
  const asked = request.headers["access-control-request-headers"];
  response.writeHead(204, preflightHeaders(pathOf(request), asked)).end();
  return true;
}

/** The path, without the query string. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

function serveGraphQL(
  options: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> | void {
  const { method, headers } = request;
  const refusal = refuseTypes({ method, contentType: headers["content-type"], accept: headers.accept });
  if (isBrowser(request) && options.graphiql !== undefined) {
    return options.graphiql.send(request, response);
  }
  return refusal === undefined
    ? options.graphql.handle(request, response)
    : sendTypeRefusal(response, refusal);
}

function fileAt({ files }: RouterOptions, path: string): FileAnswer | undefined {
  return files.map((file) => file.at(path)).find((answer) => answer !== undefined);
}

async function serveFile(
  options: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = fileAt(options, pathOf(request));
  if (answer === undefined) {
    serveNothing(options, request, response);
  } else {
    await answer(request, response);
  }
}

/** The pages that have a folder of paths to themselves. */
function pageAt({ board, dashboard }: RouterOptions, path: string): QueueBoardHandler | undefined {
  const isBelow = (folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
  return isBelow(DASHBOARD_PATH) ? dashboard : isBelow(BOARD_PATH) ? board : undefined;
}

async function serveReadiness(
  { isReady, callers }: RouterOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const readiness = await readinessFor(callers, headOf(request, response), await isReady());
  sendJson(response, readiness.isReady ? 200 : 503, readiness);
}

/** Strangers learn whether the service works, and nothing else. */
export async function readinessFor(
  callers: Callers,
  credentials: GivenCredentials,
  { isReady, problems }: Readiness,
): Promise<Partial<Readiness> & Pick<Readiness, "isReady">> {
  try {
    await callers.identify(Object.assign(credentials, { isProbe: true }));
    return { isReady, problems };
  } catch {
    return { isReady };
  }
}

function serveRoot(options: RouterOptions, request: IncomingMessage, response: ServerResponse): void {
  const page = options.dashboard === undefined ? options.graphiql && "/graphql" : `${DASHBOARD_PATH}/`;
  if (isBrowser(request) && page !== undefined) {
    response.writeHead(302, { location: page }).end();
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
