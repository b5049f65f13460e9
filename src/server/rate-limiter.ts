import type { RateStore } from "../core/access/rate-store.ts";
import { RATE_WINDOW_S } from "../core/access/rate-store.ts";
import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";

/** Callers that are counted at a time; the one that began first is forgotten beyond that. */
const MAX_CALLERS = 10_000;
/** The part of the limit that a process counts by itself before it tells the others. */
const TELL_AFTER = 1 / 20;
/** The longest key that the store takes, in characters. */
const MAX_KEY_LENGTH = 200;

/** The options of {@link RateLimiter}. */
export interface RateLimiterOptions {
  /** What one caller may do in a minute, from 1 on. */
  readonly perMinute: number;
  /** Counts for all processes. Default: each counts for itself. */
  readonly store?: RateStore | undefined;
  readonly logger: Logger;
  /** What a caller beyond the limit is told, without when to come back. */
  readonly message: string;
}

/** How a caller stands to its limit. */
export interface RateState {
  readonly perMinute: number;
  /** What it may do until the minute is over, from 0 on. About: other processes tell theirs late. */
  readonly remaining: number;
  /** Time until then, in whole seconds from 1 on. */
  readonly resetS: number;
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
 * Limits what a caller does in a minute, in all processes together. Each process counts in memory, and tells the store after
 * a twentieth of the limit: most callers cost it nothing, and a limit may be passed by a twentieth for each process.
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

  /** @throws AppError RATE_LIMITED where there is no room for one more, with the headers that say when to come back */
  requireRoom(caller: string): void {
    const known = this.#counts.get(caller.slice(0, MAX_KEY_LENGTH));
    const now = Date.now();
    if (known !== undefined && known.end > now) {
      this.#requireRoom(known, now);
    }
  }

  /** Counts one more. @throws as {@link RateLimiter.requireRoom}; then it is not counted */
  take(caller: string): RateState {
    const now = Date.now();
    const key = caller.slice(0, MAX_KEY_LENGTH);
    const count = this.#countOf(key, now);
    this.#requireRoom(count, now);
    count.untold += 1;
    if (count.untold >= this.#tellAfter && !count.isTelling) {
      void this.#tell(key, count);
    }
    return this.#stateOf(count, now);
  }

  #requireRoom(count: Count, now: number): void {
    if (count.told + count.untold >= this.#options.perMinute) {
      throw rateLimited(this.#options.message, this.#stateOf(count, now));
    }
  }

  #stateOf({ told, untold, end }: Count, now: number): RateState {
    const { perMinute } = this.#options;
    const remaining = Math.max(0, perMinute - told - untold);
    return { perMinute, remaining, resetS: Math.max(1, Math.ceil((end - now) / 1000)) };
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

  /** Tells the store as long as there is enough: also what came while it was told, for others wait to hear of it. */
  async #tell(key: string, count: Count): Promise<void> {
    count.isTelling = true;
    while (count.untold >= this.#tellAfter && count.end > Date.now()) {
      await this.#tellOnce(key, count);
    }
    count.isTelling = false;
  }

  async #tellOnce(key: string, count: Count): Promise<void> {
    const { store, logger } = this.#options;
    const { untold } = count;
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
    }
  }
}

/** The headers of an answer to a caller that has a limit: draft-ietf-httpapi-ratelimit-headers-06. */
export function rateHeaders({ perMinute, remaining, resetS }: RateState): Readonly<Record<string, string>> {
  return {
    "ratelimit-limit": String(perMinute),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": String(resetS),
    "ratelimit-policy": `${perMinute};w=${RATE_WINDOW_S}`,
  };
}

function rateLimited(message: string, state: RateState): AppError {
  const { perMinute, resetS } = state;
  const headers = { ...rateHeaders(state), "retry-after": String(resetS) };
  return new AppError("RATE_LIMITED", `${message} Try again in ${resetS} s.`, {
    details: { perMinute, retryAfterSeconds: resetS, http: { status: 429, headers } },
  });
}
