import type { ErrorCode } from "../kernel/error-codes.ts";
import type { CallersRequest } from "./callers/peer.ts";
import type { Peer } from "./callers/peer.ts";
import { peerOf } from "./callers/peer.ts";
import type { RateState } from "./rate-limiter.ts";
import type { AppError } from "../kernel/app-error.ts";
import type { TypeRefusal } from "./media-types.ts";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Sends JSON that is not cached. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
  });
  response.end(JSON.stringify(body));
}

/** Refuses a request before it reaches GraphQL, as a GraphQL error, so that every client can show the reason. */
export function sendRefusal(
  response: ServerResponse,
  status: number,
  code: ErrorCode,
  message: string,
  details: object = {},
): void {
  sendJson(response, status, refusalBody(code, message, details));
}

/** Refuses a request for its types: the header Accept says which would do. */
export function sendTypeRefusal(response: ServerResponse, { status, message, accept }: TypeRefusal): void {
  response.setHeader("accept", accept);
  sendRefusal(response, status, "VALIDATION_FAILED", message);
}

/**
 * Refuses a request for an error that its caller may read.
 * @param status default: that of its code; of codes of the app, which come from its authentication, 401
 */
export function sendAppError(
  response: ServerResponse,
  { code, message, details }: AppError,
  status = STATUSES[code] ?? 401,
): void {
  const { http } = details as { readonly http?: { readonly headers: Readonly<Record<string, string>> } };
  response.setHeaders(new Map(Object.entries(http?.headers ?? {})));
  if (status === 401) {
    response.setHeader("www-authenticate", "Bearer");
  }
  sendRefusal(response, status, code, message);
}

/** The status of an error of what was asked, once it is known who asks. */
export function statusOf(code: ErrorCode): number {
  return STATUSES[code] ?? (code === "LIMIT_EXCEEDED" ? 429 : 400);
}

const STATUSES: { readonly [Code in ErrorCode]?: number } = {
  NOT_FOUND: 404,
  FORBIDDEN: 403,
  UNAVAILABLE: 503,
  RATE_LIMITED: 429,
};

/** The body of a refusal. */
export function refusalBody(code: ErrorCode, message: string, details: object = {}): object {
  return { errors: [{ message, extensions: { ...details, code } }] };
}

/** The part of a request of the web platform that is used. */
export interface RequestHead extends CallersRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly peer: Peer;
  /** Says that the client has left. Made only if somebody asks for it. */
  readonly signal: AbortSignal;
  readonly authorization: string | undefined;
}

/** The head of a request of Node's; its headers are copied only if somebody reads them. */
class NodeRequestHead implements RequestHead {
  readonly method: string;
  readonly authorization: string | undefined;
  rate: RateState | undefined = undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #headers: Headers | undefined;
  #signal: AbortSignal | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.method = request.method ?? "GET";
    this.authorization = request.headers.authorization;
    this.#request = request;
    this.#response = response;
  }

  get headers(): Headers {
    return (this.#headers ??= headersOf(this.#request));
  }

  get peer(): Peer {
    return peerOf(this.#request);
  }

  get signal(): AbortSignal {
    return (this.#signal ??= leavingOf(this.#response));
  }
}

export function headOf(request: IncomingMessage, response: ServerResponse): RequestHead {
  return new NodeRequestHead(request, response);
}

/** The signal that says that the client has left before it has its answer. */
function leavingOf(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const leave = (): void => {
    if (!response.writableFinished) {
      controller.abort();
    }
  };
  if (response.closed) {
    leave();
  } else {
    response.once("close", leave);
  }
  return controller.signal;
}

/** The request's headers as a `Headers` object of the web platform. */
export function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headersDistinct)) {
    for (const one of value ?? []) {
      headers.append(name, one);
    }
  }
  return headers;
}
