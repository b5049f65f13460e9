import { originOf } from "../config/variable.ts";
import { AppError } from "../kernel/app-error.ts";

/** The headers of a request that say which page it comes from, and by which name it was sent to this service. */
export interface PageHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
  /** Where the page comes from, as its browser says it: `same-origin`, `same-site`, `cross-site`, or `none`. */
  readonly "sec-fetch-site"?: string | string[] | undefined;
  /** `navigate` for a link, or an address that somebody has typed. */
  readonly "sec-fetch-mode"?: string | string[] | undefined;
  /** `document` for what becomes a page of its own. */
  readonly "sec-fetch-dest"?: string | string[] | undefined;
}

/** Decides which web pages may use the service. Programs other than browsers send no origin, and are always allowed. */
export interface OriginPolicy {
  /** Why a request is refused, and what would allow it; undefined for one that is not. */
  refusalOf(headers: PageHeaders): string | undefined;
}

/**
 * Allows the service's own pages, the listed origins, and, on a loopback address, all pages from loopback. There, a request
 * by a host name that only resolves to this machine is refused: that is an attack by DNS rebinding. Browsers send no origin
 * with images, scripts and frames: those of other pages are refused, and links are followed.
 * @throws AppError INVALID_CONFIG for a listed text that is no origin
 */
export function createOriginPolicy(options: {
  readonly listenHost: string;
  readonly allowedOrigins?: readonly string[];
  /** Names of the service, without ports. Default: on a loopback address those of loopback, elsewhere any. */
  readonly allowedHosts?: readonly string[];
}): OriginPolicy {
  const isLocal = isLoopback(options.listenHost);
  const { allowedOrigins = [], allowedHosts = [] } = options;
  const allowed = new Set(allowedOrigins.map(requireOrigin));
  const hosts = new Set([...allowedHosts, ...allowedOrigins.map((one) => new URL(one).hostname)]);
  // Nearly all requests have the same one, and reading it takes longer than all else here.
  const known = new Set<string>();
  const isHostAllowed = (host: string | undefined): boolean => {
    if (host === undefined || (!isLocal && allowedHosts.length === 0)) {
      return true;
    }
    if (known.has(host)) {
      return true;
    }
    const name = hostnameOf(host);
    const isKnown = isLoopback(name) || hosts.has(name);
    if (isKnown && known.size < MAX_KNOWN_HOSTS) {
      known.add(host);
    }
    return isKnown;
  };
  const isOriginAllowed = (origin: string, host: string | undefined): boolean => {
    const page = URL.canParse(origin) ? new URL(origin) : undefined;
    return (
      allowed.has(origin) ||
      (page !== undefined && (isLocal ? isLoopback(page.hostname) : page.host === host))
    );
  };
  return {
    refusalOf(headers) {
      const { origin, host } = headers;
      if (!isHostAllowed(host)) {
        return hostRefusal(host ?? "");
      }
      if (origin !== undefined) {
        return isOriginAllowed(origin, host) ? undefined : originRefusal(origin);
      }
      return isOfOtherPage(headers) ? OTHER_PAGE : undefined;
    },
  };
}

const MAX_KNOWN_HOSTS = 100;

/** The host's name, without its port. */
function hostnameOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host;
}

/** Whether another page's image, script, frame or the like asks. */
function isOfOtherPage({
  "sec-fetch-site": site,
  "sec-fetch-mode": mode,
  "sec-fetch-dest": dest,
}: PageHeaders): boolean {
  const isElsewhere = site === "cross-site" || site === "same-site";
  return isElsewhere && !(mode === "navigate" && dest === "document");
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

const OTHER_PAGE =
  "Another page's image, script or frame may not use this service. Use fetch, from a page of an allowed origin.";

function hostRefusal(host: string): string {
  const shown = JSON.stringify(host.slice(0, 200));
  return `This service does not answer by the name ${shown}. Its operator can allow the name with the setting POWERCRUD_ALLOWED_HOSTS.`;
}

function originRefusal(origin: string): string {
  const shown = JSON.stringify(origin.slice(0, 200));
  return `Pages of the origin ${shown} may not use this service. Its operator can allow them with the setting POWERCRUD_ALLOWED_ORIGINS.`;
}

/** How long a browser may remember a preflight's answer, in seconds. Chromium takes no more. */
const PREFLIGHT_MAX_AGE_S = 7200;

/** What pages may read of an answer, beside its body. */
const EXPOSED_HEADERS =
  "content-disposition, etag, ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id";

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
    "access-control-allow-methods": methodsOf(path),
    ...(askedHeaders === undefined ? {} : { "access-control-allow-headers": askedHeaders }),
    "access-control-max-age": String(PREFLIGHT_MAX_AGE_S),
    "content-length": "0",
  };
}

function methodsOf(path: string): string {
  if (path.startsWith("/imports/")) {
    return "POST, PUT";
  }
  return path === "/graphql" ? "GET, POST" : "GET, HEAD";
}
