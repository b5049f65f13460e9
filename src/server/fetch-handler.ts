import type { CallerGuard } from "./callers/caller-guard.ts";
import type { Callers } from "./callers/callers.ts";
import type { GraphQLHandler } from "./graphql-handler.ts";
import { refusalBody } from "./http-messages.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import { corsHeaders, preflightHeaders } from "./origin-policy.ts";
import { refuseTypes } from "./media-types.ts";
import { readinessFor } from "./request-router.ts";
import type { Readiness } from "./server-options.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";

/** Answers requests of the web platform. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** What the routes need. */
interface FetchOptions {
  readonly graphql: Pick<GraphQLHandler, "fetch">;
  readonly callers: Callers;
  readonly guard: CallerGuard;
  readonly origins: OriginPolicy;
  readonly isReady: () => Promise<Readiness>;
}

/** The API for servers that speak `Request` and `Response`: GraphQL over HTTP and SSE, and health. */
export function createFetchHandler(options: FetchOptions): FetchHandler {
  return async (request) => {
    const { headers, method } = request;
    const { pathname } = new URL(request.url);
    const origin = headers.get("origin") ?? undefined;
    const message = options.origins.refusalOf(Object.fromEntries(headers));
    if (message !== undefined) {
      options.guard.noteStranger(request, "forbidden", "origin");
      return withHeaders(refusal(403, "VALIDATION_FAILED", message), { vary: "Origin" });
    }
    const allowing = { vary: "Origin", ...(origin === undefined ? {} : corsHeaders(origin)) };
    if (
      origin !== undefined &&
      method === "OPTIONS" &&
      headers.get("access-control-request-method") !== null
    ) {
      const asked = headers.get("access-control-request-headers") ?? undefined;
      return new Response(null, {
        status: 204,
        headers: { ...allowing, ...preflightHeaders(pathname, asked) },
      });
    }
    return withHeaders(await answer(options, request, pathname), allowing);
  };
}

async function answer(
  { graphql, callers, isReady }: FetchOptions,
  request: Request,
  path: string,
): Promise<Response> {
  switch (path) {
    case "/health/live":
      return json(200, { isLive: true });
    case "/health/ready": {
      const { headers } = request;
      const authorization = headers.get("authorization") ?? undefined;
      const readiness = await readinessFor(callers, { authorization, headers }, await isReady());
      return json(readiness.isReady ? 200 : 503, readiness);
    }
    case "/graphql":
      return refuseByType(request) ?? graphql.fetch(request);
    default:
      return refusal(404, "NOT_FOUND", `There is nothing at ${path.slice(0, 200)}. The API is at /graphql.`);
  }
}

function refuseByType({ method, headers }: Request): Response | undefined {
  const refused = refuseTypes({
    method,
    contentType: headers.get("content-type") ?? undefined,
    accept: headers.get("accept") ?? undefined,
  });
  return (
    refused &&
    withHeaders(refusal(refused.status, "VALIDATION_FAILED", refused.message), { accept: refused.accept })
  );
}

function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  for (const [name, value] of Object.entries(headers)) {
    response.headers.set(name, value);
  }
  return response;
}

function refusal(status: number, code: ErrorCode, message: string): Response {
  return json(status, refusalBody(code, message));
}

function json(status: number, body: object): Response {
  return Response.json(body, {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" },
  });
}
