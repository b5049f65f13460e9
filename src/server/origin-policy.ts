/** Which web pages may use the service. Programs other than browsers send no origin, and are not concerned. */
export interface OriginPolicy {
  /** @param host the request's Host header */
  isAllowed(origin: string | undefined, host: string | undefined): boolean;
}

/**
 * The service's own pages, the listed origins, and, while it listens on loopback only, all pages from loopback. There
 * a foreign host name is refused even for its own pages: it is a page that had its name pointed at this machine.
 */
export function createOriginPolicy(options: {
  readonly listenHost: string;
  readonly allowedOrigins: readonly string[];
}): OriginPolicy {
  const isLocal = isLoopback(options.listenHost);
  return {
    isAllowed(origin, host) {
      if (origin === undefined || options.allowedOrigins.includes(origin)) {
        return true;
      }
      const page = URL.canParse(origin) ? new URL(origin) : undefined;
      return page !== undefined && (isLocal ? isLoopback(page.hostname) : page.host === host);
    },
  };
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|(.+\.)?localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}
