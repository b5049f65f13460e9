import type { ErrorCode } from "../kernel/error-codes.ts";
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

/** The body of a refusal. */
export function refusalBody(code: ErrorCode, message: string, details: object = {}): object {
  return { errors: [{ message, extensions: { ...details, code } }] };
}

/** The part of a request of the web platform that is used. */
export interface RequestHead {
  readonly method: string;
  readonly headers: Headers;
}

/** The head of a request of Node's; its headers are copied only if somebody reads them. */
class NodeRequestHead implements RequestHead {
  readonly method: string;
  readonly #request: IncomingMessage;
  #headers: Headers | undefined;

  constructor(request: IncomingMessage) {
    this.method = request.method ?? "GET";
    this.#request = request;
  }

  get headers(): Headers {
    return (this.#headers ??= headersOf(this.#request));
  }
}

export function headOf(request: IncomingMessage): RequestHead {
  return new NodeRequestHead(request);
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
