import type { KeyScope } from "../../core/access/api-key.ts";
import type { FullViewer, Viewer } from "../../core/access/viewer.ts";
import { ANONYMOUS, fullViewer } from "../../core/access/viewer.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { Lifetime } from "./lifetime.ts";

/** Who asks, what the credential is good for, and how long it holds. */
export interface Caller {
  readonly viewer: FullViewer;
  /** What the API key may be used for. Undefined: everything. */
  readonly scopes?: ReadonlySet<KeyScope>;
  /** Left out: it never ends. */
  readonly lifetime?: Lifetime;
}

/** The caller of a request that needs no credential and has none. */
export const ANONYMOUS_CALLER: Caller = Object.freeze({ viewer: fullViewer(ANONYMOUS) });

/** How a caller identifies itself. */
export interface Credentials {
  /** The headers of the HTTP request, or of the request that opened the WebSocket. */
  readonly headers: Headers;
  /** The client's `connection_init` payload; undefined over HTTP. */
  readonly connectionParams?: Readonly<Record<string, unknown>>;
}

/** Credentials with the header that is read for every request; the others are copied only if somebody reads them. */
export interface GivenCredentials extends Credentials {
  readonly authorization: string | undefined;
}

/**
 * An app's own way to find the viewer: for each HTTP request, and once for each WebSocket. Null: nobody that it knows.
 * @throws AppError to refuse the caller; its message is shown
 */
export type Authenticate = (credentials: Credentials) => Promise<Viewer | null> | Viewer | null;

/** What a stranger is told, everywhere in the same words. With its JSON around it, it fits into the close of a WebSocket. */
const WHAT_TO_SEND = "Send Authorization: Bearer <API key or JWT>.";

/** The refusal of a caller without a credential, or with one that does not hold. It does not say which. */
export function unauthenticated(): AppError {
  return new AppError("UNAUTHENTICATED", WHAT_TO_SEND);
}

/** Whether the caller's key may be used for that. */
function isGranted({ scopes }: Caller, scope: KeyScope): boolean {
  return scopes === undefined || scopes.has(scope);
}

/** @throws AppError FORBIDDEN */
export function requireScope(caller: Caller, scope: KeyScope): void {
  if (!isGranted(caller, scope)) {
    const held = [...(caller.scopes ?? [])].join(", ");
    throw new AppError(
      "FORBIDDEN",
      `This API key is good for: ${held || "nothing"}. This needs one with the scope ${scope}.`,
    );
  }
}
