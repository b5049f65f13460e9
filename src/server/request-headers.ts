import type { IncomingMessage } from "node:http";

/** The request's headers as the web platform has them. */
export function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headersDistinct)) {
    for (const one of value ?? []) {
      headers.append(name, one);
    }
  }
  return headers;
}
