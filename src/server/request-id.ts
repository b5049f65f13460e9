import { randomUUID } from "node:crypto";

/** The header that names a request: of a proxy in front of the service, and of answers. */
export const REQUEST_ID_HEADER = "x-request-id";

/** The part of a request that is read for its id. */
export interface IdentifiedRequest {
  readonly headers: { get(name: string): string | null };
}

/** Ids that others made are copied into logs and answers, so they may not contain anything but a name. */
const SANE = /^[\w.:=+/@-]{1,128}$/;

/** By request: most requests are never asked for their id. */
const made = new WeakMap<IdentifiedRequest, string>();

/** The id of the request: that of its header `x-request-id`, if it is a plain name; otherwise a new one, the same at each call. */
export function requestIdOf(request: IdentifiedRequest): string {
  const known = made.get(request);
  if (known !== undefined) {
    return known;
  }
  const given = request.headers.get(REQUEST_ID_HEADER) ?? "";
  const id = SANE.test(given) ? given : randomUUID();
  made.set(request, id);
  return id;
}

/** The id of the request if anybody has asked for it: then the log or the answer has it. */
export function madeRequestId(request: IdentifiedRequest): string | undefined {
  return made.get(request);
}
