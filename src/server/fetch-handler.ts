import type { GraphQLHandler } from "./graphql-handler.ts";
import { refusalBody } from "./http-messages.ts";
import type { OriginPolicy } from "./request-router.ts";
import { GRAPHQL_TYPES } from "./request-router.ts";
import type { Readiness } from "./server-options.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";

/** Answers requests of the web platform. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** What the routes need. */
interface FetchOptions {
  readonly graphql: Pick<GraphQLHandler, "fetch">;
  readonly origins: OriginPolicy;
  readonly isReady: () => Promise<Readiness>;
}

/** The API for servers that speak `Request` and `Response`: GraphQL over HTTP and SSE, and health. */
export function createFetchHandler({ graphql, origins, isReady }: FetchOptions): FetchHandler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/health/live":
        return json(200, { isLive: true });
      case "/health/ready": {
        const readiness = await isReady();
        return json(readiness.isReady ? 200 : 503, readiness);
      }
      case "/graphql":
        return refuse(origins, request) ?? graphql.fetch(request);
      default:
        return refusal(
          404,
          "NOT_FOUND",
          `There is nothing at ${pathname.slice(0, 200)}. The API is at /graphql.`,
        );
    }
  };
}

function refuse(origins: OriginPolicy, { headers, method }: Request): Response | undefined {
  const origin = headers.get("origin") ?? undefined;
  if (!origins.isAllowed(origin, headers.get("host") ?? undefined)) {
    return refusal(403, "VALIDATION_FAILED", `Pages from ${origin} may not use this service.`);
  }
  return method === "POST" && !GRAPHQL_TYPES.test(headers.get("content-type") ?? "")
    ? refusal(415, "VALIDATION_FAILED", "Send the content type application/json.")
    : undefined;
}

function refusal(status: number, code: ErrorCode, message: string): Response {
  return json(status, refusalBody(code, message));
}

function json(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}
