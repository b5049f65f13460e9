import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from "jose";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { Viewer } from "../../core/access/viewer.ts";
import { fullViewer } from "../../core/access/viewer.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Json, JsonObject } from "../../kernel/json.ts";
import type { Caller } from "./caller.ts";
import type { CredentialVerifier } from "./callers.ts";
import { Lifetime } from "./lifetime.ts";
import { nameOfCredential, Verified } from "./verified.ts";

/** How far the clocks of issuer and service may differ, in seconds. */
const CLOCK_SKEW_S = 30;
/** A key that is not in the set makes the set be read again, but not sooner than this after the last time, in ms. */
const JWKS_COOLDOWN_MS = 5000;
/** Those of a secret: anything else in a token's head is refused, `none` too. */
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
/** Those of a key set. A public key is never taken for a secret. */
const KEY_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
];

/** The viewer of a verified token's claims; null for one that may not come in. */
export type ViewerOfClaims = (request: {
  readonly claims: JsonObject;
}) => Viewer | null | Promise<Viewer | null>;

export interface JwtVerifierOptions {
  /** Of HS256 and its kin, or where the issuer's public keys are. */
  readonly source: { readonly secret: string } | { readonly jwksUrl: string };
  /** What `iss` must be. Default: anything. */
  readonly issuer?: string | undefined;
  /** What `aud` must contain. Default: anything. */
  readonly audience?: string | undefined;
  /** Default: {@link viewerOfClaims}. */
  readonly viewerOf?: ViewerOfClaims | undefined;
  readonly clock: Clock;
  /** Default: 5 seconds. */
  readonly jwksCooldownMs?: number;
}

/**
 * Verifies JWTs: signature, `exp` (which must be there) and `nbf`, issuer and audience. One that was verified is remembered
 * until it expires.
 */
export function createJwtVerifier(options: JwtVerifierOptions): CredentialVerifier {
  const verified = new Verified<Caller & { readonly lifetime: Lifetime }>();
  const check = createCheck(options);
  return {
    known(text) {
      const name = nameOfCredential(text);
      const known = verified.get(name);
      if (known?.lifetime.isOver === true) {
        verified.delete(name);
        return undefined;
      }
      return known;
    },
    async verify(text) {
      const claims = await check(text);
      if (typeof claims === "string") {
        return { kind: "REFUSED", reason: claims };
      }
      const viewer = await (options.viewerOf ?? viewerOfClaims)({ claims: claims as JsonObject });
      if (claims.exp === undefined || viewer === null) {
        return { kind: "REFUSED", reason: "invalid" };
      }
      const lifetime = new Lifetime(options.clock, new Date((claims.exp + CLOCK_SKEW_S) * 1000));
      const caller = { viewer: fullViewer(viewer), lifetime };
      verified.set(nameOfCredential(text), caller);
      return { kind: "HOLDS", caller };
    },
  };
}

/** @returns what checks a token; that returns its claims, or why it does not hold */
function createCheck(
  options: JwtVerifierOptions,
): (text: string) => Promise<JWTPayload | "invalid" | "expired"> {
  const { source, issuer, audience, clock } = options;
  const key: JWTVerifyGetKey =
    "secret" in source ? keyOfSecret(source.secret) : keysAt(source.jwksUrl, options);
  const asked: JWTVerifyOptions = {
    algorithms: "secret" in source ? SECRET_ALGORITHMS : KEY_ALGORITHMS,
    clockTolerance: CLOCK_SKEW_S,
    requiredClaims: ["exp"],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  return async (text) => {
    try {
      return (await jwtVerify(text, key, { ...asked, currentDate: clock.now() })).payload;
    } catch (error) {
      if (isRefusal(error)) {
        return error instanceof errors.JWTExpired ? "expired" : "invalid";
      }
      throw new AppError("UNAVAILABLE", "The keys that tokens are signed with cannot be read. Try again.", {
        cause: error,
      });
    }
  };
}

function keyOfSecret(secret: string): JWTVerifyGetKey {
  const key = new TextEncoder().encode(secret);
  return () => Promise.resolve(key);
}

function keysAt(url: string, { jwksCooldownMs = JWKS_COOLDOWN_MS }: JwtVerifierOptions): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(url), { cooldownDuration: jwksCooldownMs });
}

/** Whether the token is at fault, and not the way to the keys. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

/** Claims about the token. What remains is about the viewer. */
const TOKEN_CLAIMS = new Set(["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "roles"]);

/**
 * The id is `sub`, the roles are the texts of `roles` (a list, or one text), and the claims are all others but those about
 * the token. Without a `sub` there is no viewer.
 */
function viewerOfClaims({ claims }: { readonly claims: JsonObject }): Viewer | null {
  const { sub, roles } = claims;
  if (typeof sub !== "string" || sub === "") {
    return null;
  }
  const others = Object.entries(claims).filter(([name]) => !TOKEN_CLAIMS.has(name));
  return { id: sub, roles: textsOf(roles), claims: Object.fromEntries<Json>(others) };
}

function textsOf(value: Json | undefined): readonly string[] {
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value];
  return list.filter((one): one is string => typeof one === "string" && one !== "");
}
