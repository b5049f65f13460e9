import type { KeyScope } from "../../core/access/api-key.ts";
import type { FullViewer, Viewer } from "../../core/access/viewer.ts";
import { ANONYMOUS, fullViewer } from "../../core/access/viewer.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { Lifetime } from "./lifetime.ts";
import type { CallersRequest } from "./peer.ts";

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
  /** The request that has them. Default: they are the request. */
  readonly request?: CallersRequest;
  /** Nothing is refused to a caller without credentials: it asks only whether the service works. Default: it may be. */
  readonly isProbe?: boolean;
}

/**
 * An app's own way to find the viewer: for each HTTP request, and once for each WebSocket. Null: nobody that it knows.
 * @throws AppError to refuse the caller; its message is shown
 */
export type Authenticate = (credentials: Credentials) => Promise<Viewer | null> | Viewer | null;

/** Why a caller is not let in. It is for the audit log: callers are told the same for every reason. */
export interface CallerRefusal {
  readonly reason:
    | "nothing sent"
    | "not taken"
    | "invalid"
    | "unknown"
    | "revoked"
    | "expired"
    | "authenticate";
  /** The id of the API key that was used. */
  readonly key?: string;
  /** Who holds it, if the whole key was right. */
  readonly viewerId?: string | null;
  /** Whether it was a try to get in: something was sent that might have held. */
  readonly isTry: boolean;
}

/** What a stranger is told, everywhere in the same words. With its JSON around it, it fits into the close of a WebSocket. */
const WHAT_TO_SEND = "Send Authorization: Bearer <API key or JWT>.";

/** The refusal of a caller without a credential, or with one that does not hold. It does not say which. */
export function unauthenticated(): AppError {
  return new AppError("UNAUTHENTICATED", WHAT_TO_SEND);
}

/** Whether the caller's key may be used for that. */
export function isGranted({ scopes }: Caller, scope: KeyScope): boolean {
  return scopes === undefined || scopes.has(scope);
}

/** What the caller's key may be used for, for people. */
export function heldScopes({ scopes = new Set() }: Caller): string {
  return [...scopes].join(", ");
}
