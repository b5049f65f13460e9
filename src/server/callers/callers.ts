import { looksLikeKey } from "../../core/access/api-key.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import { ADMIN_ROLE, fullViewer } from "../../core/access/viewer.ts";
import type { Authenticate, Caller, GivenCredentials } from "./caller.ts";
import { ANONYMOUS_CALLER, unauthenticated } from "./caller.ts";

/** Verifies credentials of one kind. */
export interface CredentialVerifier {
  /**
   * Who holds the credential; undefined if it does not hold. Known ones are answered at once.
   * @throws AppError UNAVAILABLE where that cannot be found out now
   */
  verify(text: string): Caller | undefined | Promise<Caller | undefined>;
}

/** Finds out who asks: one for HTTP, event streams, WebSockets, files, and every page. */
export interface Callers {
  /** Whether strangers are refused. */
  readonly isRequired: boolean;
  /** @throws AppError UNAUTHENTICATED; UNAVAILABLE; or what the app's own way throws */
  identify(credentials: GivenCredentials): Caller | Promise<Caller>;
  /** Whether the viewer may see and do what is for the operators of the service. */
  isAdmin(viewer: Viewer): boolean;
  /** The same with the app's own way in the place of keys and tokens. */
  by(authenticate: Authenticate): Callers;
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
}

export function createCallers(options: CallersOptions): Callers {
  const { isRequired, authenticate, adminRole = ADMIN_ROLE } = options;
  return {
    isRequired,
    identify: (credentials) =>
      authenticate === undefined
        ? identifyByBearer(options, credentials)
        : identifyByApp(authenticate, isRequired, credentials),
    isAdmin: ({ roles }) => roles?.includes(adminRole) === true,
    by: (own) => createCallers({ ...options, authenticate: own }),
  };
}

function identifyByBearer(
  { isRequired, keys, tokens }: CallersOptions,
  credentials: GivenCredentials,
): Caller | Promise<Caller> {
  const bearer = bearerOf(credentials);
  const verifier = bearer !== undefined && looksLikeKey(bearer) ? keys : tokens;
  if (bearer === undefined || verifier === undefined) {
    return strangerOf(isRequired);
  }
  const caller = verifier.verify(bearer);
  return caller instanceof Promise ? caller.then(requireCaller) : requireCaller(caller);
}

/** The token of `connectionParams.authorization`, else of the header; undefined where there is none. */
function bearerOf({ authorization, connectionParams }: GivenCredentials): string | undefined {
  const param = connectionParams?.["authorization"] ?? connectionParams?.["Authorization"];
  const text = typeof param === "string" ? param : authorization;
  return text === undefined ? undefined : /^bearer +(\S+) *$/i.exec(text)?.[1];
}

function requireCaller(caller: Caller | undefined): Caller {
  if (caller === undefined) {
    throw unauthenticated();
  }
  return caller;
}

/** @throws AppError UNAUTHENTICATED */
function strangerOf(isRequired: boolean): Caller {
  if (isRequired) {
    throw unauthenticated();
  }
  return ANONYMOUS_CALLER;
}

async function identifyByApp(
  authenticate: Authenticate,
  isRequired: boolean,
  credentials: GivenCredentials,
): Promise<Caller> {
  const viewer = await authenticate(credentials);
  return viewer === null ? strangerOf(isRequired) : { viewer: fullViewer(viewer) };
}
