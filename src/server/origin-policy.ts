import { originOf } from "../config/variable.ts";
import { AppError } from "../kernel/app-error.ts";

/** Decides which web pages may use the service. Programs other than browsers send no origin, and are always allowed. */
export interface OriginPolicy {
  /**
   * @param origin the request's Origin header
   * @param host the request's Host header
   */
  isAllowed(origin: string | undefined, host: string | undefined): boolean;
}

/**
 * Allows the service's own pages, the listed origins, and, on a loopback address, all pages from loopback. There, a page
 * whose host name only resolves to this machine is refused: that is an attack by DNS rebinding.
 * @throws AppError INVALID_CONFIG for a listed text that is no origin
 */
export function createOriginPolicy(options: {
  readonly listenHost: string;
  readonly allowedOrigins: readonly string[];
}): OriginPolicy {
  const isLocal = isLoopback(options.listenHost);
  const allowed = new Set(options.allowedOrigins.map(requireOrigin));
  return {
    isAllowed(origin, host) {
      if (origin === undefined || allowed.has(origin)) {
        return true;
      }
      const page = URL.canParse(origin) ? new URL(origin) : undefined;
      return page !== undefined && (isLocal ? isLoopback(page.hostname) : page.host === host);
    },
  };
}

function requireOrigin(text: string): string {
  const origin = originOf(text);
  if (origin === undefined) {
    const message = `allowedOrigins: ${JSON.stringify(text)} is not an origin such as https://app.example.com.`;
    throw new AppError("INVALID_CONFIG", message, { details: { problems: [message] } });
  }
  return origin;
}

/** Whether a host name is one of this machine's own, such as `localhost`. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|(.+\.)?localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}

/** The message of a refusal: what was refused, and what would allow it. */
export function originRefusal(origin: string): string {
  const shown = JSON.stringify(origin.slice(0, 200));
  return `Pages of the origin ${shown} may not use this service. Its operator can allow them with the setting POWERCRUD_ALLOWED_ORIGINS.`;
}

/** How long a browser may remember a preflight's answer, in seconds. Chromium takes no more. */
const PREFLIGHT_MAX_AGE_S = 7200;

/** What pages may read of an answer, beside its body. */
const EXPOSED_HEADERS = "content-disposition, etag, retry-after, x-request-id";

/** The headers that tell a browser that the page may read the answer. */
export function corsHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": EXPOSED_HEADERS,
  };
}

/** The headers of the answer to a preflight, beside {@link corsHeaders}. */
export function preflightHeaders(
  path: string,
  askedHeaders: string | undefined,
): Readonly<Record<string, string>> {
  return {
    "access-control-allow-methods": path === "/graphql" ? "GET, POST" : "GET, HEAD",
    ...(askedHeaders === undefined ? {} : { "access-control-allow-headers": askedHeaders }),
    "access-control-max-age": String(PREFLIGHT_MAX_AGE_S),
    "content-length": "0",
  };
}
