import type { KeyScope } from "../../core/access/api-key.ts";
import { headOf } from "../http-messages.ts";
import { rateHeaders } from "../rate-limiter.ts";
import type { Caller } from "./caller.ts";
import type { CallerGuard } from "./caller-guard.ts";
import type { Callers } from "./callers.ts";
import type { IncomingMessage, ServerResponse } from "node:http";

/** What admitting needs. */
interface AdmitPorts {
  readonly callers: Callers;
  readonly guard: CallerGuard;
}

/**
 * Finds out who asks for a file, or sends one, and counts the request.
 * @throws AppError UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, or what the app's own way throws
 */
export async function admitCaller(
  { callers, guard }: AdmitPorts,
  scope: KeyScope,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Caller> {
  const head = headOf(request, response);
  const caller = await callers.identify(head);
  guard.requireScope(caller, scope, head);
  guard.count(caller, head);
  if (head.rate !== undefined) {
    response.setHeaders(new Map(Object.entries(rateHeaders(head.rate))));
  }
  return caller;
}
