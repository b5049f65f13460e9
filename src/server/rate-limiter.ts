import type { IncomingMessage } from "node:http";
import type { Viewer } from "../core/access/viewer.ts";
import type { RateStore } from "../core/access/rate-store.ts";
import { RATE_WINDOW_S } from "../core/access/rate-store.ts";
import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";

/** Callers that are counted at a time; the one that began first is forgotten beyond that. */
const MAX_CALLERS = 10_000;
/** The part of the limit that a process counts by itself before it tells the others. */
const TELL_AFTER = 1 / 20;

/** The options of {@link RateLimiter}. */
export interface RateLimiterOptions {
  /** Operations and files of one caller in a minute; 0 for any number. */
  readonly perMinute: number;
  /** Counts for all processes. Default: each counts for itself. */
  readonly store?: RateStore | undefined;
  /** Proxies in front of the service, each of which adds the address of its caller to `X-Forwarded-For`. */
  readonly proxyHops: number;
  readonly logger: Logger;
}

/** From where somebody asks. */
export interface Peer {
  /** Of the connection. */
  readonly address: string;
  /** The header `X-Forwarded-For`. */
  readonly forwardedFor: string | undefined;
}

/** From where a request comes. */
export function peerOf({ socket, headers }: IncomingMessage): Peer {
  return {
    address: socket.remoteAddress ?? "",
    forwardedFor: headers["x-forwarded-for"] as string | undefined,
  };
}

interface Count {
  /** When the minute is over, in ms. */
  end: number;
  /** What the store knew last, of all processes. */
  told: number;
  /** What this process has not told it yet. */
  untold: number;
  isTelling: boolean;
}

/**
 * Limits what a viewer, or a caller without a name by its address, asks for in a minute, in all processes together. Each
 * process counts in memory, and tells the store after a twentieth of the limit: most callers cost it nothing, and a limit may
 * be passed by a twentieth for each process.
 */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #counts = new Map<string, Count>();
  readonly #tellAfter: number;
  #isStoreLost = false;

  constructor(options: RateLimiterOptions) {
    this.#options = options;
    this.#tellAfter = Math.max(1, Math.floor(options.perMinute * TELL_AFTER));
  }

  /**
   * Counts one operation or file.
   * @param peer undefined where the address is not known: only viewers are limited then
   * @throws AppError RATE_LIMITED, with the headers that say when to come back
   */
  count(viewer: Viewer, peer: Peer | undefined): void {
    const { perMinute } = this.#options;
    const key = perMinute === 0 ? undefined : this.#keyOf(viewer, peer);
    if (key === undefined) {
      return;
    }
    const now = Date.now();
    const count = this.#countOf(key, now);
    if (count.told + count.untold >= perMinute) {
      throw rateLimited(perMinute, count.end - now);
    }
    count.untold += 1;
    if (count.untold >= this.#tellAfter && !count.isTelling) {
      void this.#tell(key, count);
    }
  }

  #keyOf({ id }: Viewer, peer: Peer | undefined): string | undefined {
    if (id !== null) {
      return `viewer:${id}`.slice(0, 200);
    }
    return peer === undefined ? undefined : `address:${this.#addressOf(peer)}`.slice(0, 200);
  }

  /** The address that the outermost of the proxies has seen. What stands before it in the header, anybody may have written. */
  #addressOf({ address, forwardedFor = "" }: Peer): string {
    const { proxyHops } = this.#options;
    const seen = forwardedFor.split(",").map((one) => one.trim());
    return proxyHops === 0 ? address : (seen.at(-proxyHops) ?? address) || address;
  }

  #countOf(key: string, now: number): Count {
    const known = this.#counts.get(key);
    if (known !== undefined && known.end > now) {
      return known;
    }
    this.#counts.delete(key);
    const count = { end: now + RATE_WINDOW_S * 1000, told: 0, untold: 0, isTelling: false };
    this.#counts.set(key, count);
    if (this.#counts.size > MAX_CALLERS) {
      const [oldest = ""] = this.#counts.keys();
      this.#counts.delete(oldest);
    }
    return count;
  }

  async #tell(key: string, count: Count): Promise<void> {
    const { store, logger } = this.#options;
    const { untold } = count;
    count.isTelling = true;
    count.untold = 0;
    count.told += untold;
    try {
      const known = await store?.add(key, untold);
      if (known !== undefined) {
        count.told = known.count;
        count.end = Date.now() + known.msLeft;
      }
      this.#isStoreLost = false;
    } catch (error) {
      if (!this.#isStoreLost) {
        this.#isStoreLost = true;
        logger.warn(
          { err: error },
          "rates are counted by each process for itself: their store cannot be reached",
        );
      }
    } finally {
      count.isTelling = false;
    }
  }
}

function rateLimited(perMinute: number, msLeft: number): AppError {
  const seconds = Math.max(1, Math.ceil(msLeft / 1000));
  const headers = {
    "retry-after": String(seconds),
    "ratelimit-limit": String(perMinute),
    "ratelimit-remaining": "0",
    "ratelimit-reset": String(seconds),
  };
  return new AppError(
    "RATE_LIMITED",
    `At most ${perMinute} operations in a minute are executed for one caller. Try again in ${seconds} s.`,
    { details: { perMinute, retryAfterSeconds: seconds, http: { status: 429, headers } } },
  );
}
