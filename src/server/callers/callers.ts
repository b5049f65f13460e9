import { looksLikeKey } from "../../core/access/api-key.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import { ADMIN_ROLE, fullViewer } from "../../core/access/viewer.ts";
import { isAppError } from "../../kernel/app-error.ts";
import type { Authenticate, Caller, CallerRefusal, GivenCredentials } from "./caller.ts";
import { ANONYMOUS_CALLER, unauthenticated } from "./caller.ts";
import type { CallerGuard } from "./caller-guard.ts";
import type { CallersRequest } from "./peer.ts";

/** Whether a credential holds. */
export type Verification =
  | { readonly kind: "HOLDS"; readonly caller: Caller }
  | ({ readonly kind: "REFUSED" } & Omit<CallerRefusal, "isTry">);

/** Verifies credentials of one kind. */
export interface CredentialVerifier {
  /** Who holds a credential that was verified lately, and still holds; undefined for any other. */
  known(text: string): Caller | undefined;
  /** @throws AppError UNAVAILABLE where that cannot be found out now */
  verify(text: string): Promise<Verification>;
}

/** Finds out who asks: one for HTTP, event streams, WebSockets, files, and every page. */
export interface Callers {
  /** Whether strangers are refused. */
  readonly isRequired: boolean;
  /** @throws AppError UNAUTHENTICATED; RATE_LIMITED; UNAVAILABLE; or what the app's own way throws */
  identify(credentials: GivenCredentials): Caller | Promise<Caller>;
  /** Whether the viewer may see and do what is for the operators of the service. */
  isAdmin(viewer: Viewer): boolean;
  /** The same with the app's own way in the place of keys and tokens. */
  by(authenticate: Authenticate): Callers;
  /** The same with a guard that limits and notes failures. */
  guardedBy(guard: CallerGuard): Callers;
}

export interface CallersOptions {
  readonly isRequired: boolean;
  /** The role of administrators. Default: `admin`. */
  readonly adminRole?: string | undefined;
  /** The app's own way, in the place of the others. */
  readonly authenticate?: Authenticate | undefined;
  /** Default: there are no API keys. */
  readonly keys?: CredentialVerifier | undefined;
  /** Default: JWTs are not taken. */
  readonly tokens?: CredentialVerifier | undefined;
  /** Default: failures are neither limited nor noted. */
  readonly guard?: CallerGuard | undefined;
}

export function createCallers(options: CallersOptions): Callers {
  const { isRequired, authenticate, adminRole = ADMIN_ROLE } = options;
  return {
    isRequired,
    identify: (credentials) =>
      authenticate === undefined
        ? identifyByBearer(options, credentials)
        : identifyByApp(authenticate, options, credentials),
    isAdmin: ({ roles }) => roles?.includes(adminRole) === true,
    by: (own) => createCallers({ ...options, authenticate: own }),
    guardedBy: (guard) => createCallers({ ...options, guard }),
  };
}

function identifyByBearer(options: CallersOptions, credentials: GivenCredentials): Caller | Promise<Caller> {
  const { isRequired, keys, tokens, guard } = options;
  const bearer = bearerOf(credentials);
  const verifier = bearer !== undefined && looksLikeKey(bearer) ? keys : tokens;
  if (bearer !== undefined && verifier !== undefined) {
    return verifier.known(bearer) ?? identifyNew(verifier, bearer, guard, credentials);
  }
  if (!isRequired) {
    return ANONYMOUS_CALLER;
  }
  const reason = bearer === undefined ? "nothing sent" : "not taken";
  throw refuse(guard, credentials, { reason, isTry: false });
}

/** The token of `connectionParams.authorization`, else of the header; undefined where there is none. */
function bearerOf({ authorization, connectionParams }: GivenCredentials): string | undefined {
  const param = connectionParams?.["authorization"] ?? connectionParams?.["Authorization"];
  const text = typeof param === "string" ? param : authorization;
  return text === undefined ? undefined : /^bearer +(\S+) *$/i.exec(text)?.[1];
}

async function identifyNew(
  verifier: CredentialVerifier,
  bearer: string,
  guard: CallerGuard | undefined,
  credentials: GivenCredentials,
): Promise<Caller> {
  guard?.admitTry(requestOf(credentials));
  const verified = await verifier.verify(bearer);
  if (verified.kind === "REFUSED") {
    throw refuse(guard, credentials, { ...verified, isTry: true });
  }
  return verified.caller;
}

async function identifyByApp(
  authenticate: Authenticate,
  { isRequired, guard }: CallersOptions,
  credentials: GivenCredentials,
): Promise<Caller> {
  guard?.admitTry(requestOf(credentials));
  const refusal: CallerRefusal = { reason: "authenticate", isTry: true };
  let viewer: Viewer | null;
  try {
    viewer = await authenticate(credentials);
  } catch (error) {
    if (isAppError(error) && error.code !== "UNAVAILABLE" && error.code !== "INTERNAL") {
      // What the caller is told is the app's.
      refuse(guard, credentials, refusal);
    }
    throw error;
  }
  if (viewer === null && isRequired) {
    throw refuse(guard, credentials, refusal);
  }
  return viewer === null ? ANONYMOUS_CALLER : { viewer: fullViewer(viewer) };
}

/** @returns what the caller is told */
function refuse(
  guard: CallerGuard | undefined,
  credentials: GivenCredentials,
  refusal: CallerRefusal,
): Error {
  const isNoted = credentials.isProbe !== true || credentials.authorization !== undefined;
  return (isNoted ? guard?.refuse(requestOf(credentials), refusal) : undefined) ?? unauthenticated();
}

function requestOf(credentials: GivenCredentials): CallersRequest {
  return credentials.request ?? credentials;
}
