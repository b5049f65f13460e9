import type { Clock } from "../../kernel/clock.ts";

/** Timers take no longer delay than 24.8 days. */
const MAX_DELAY_MS = 24 * 60 * 60 * 1000;

/** How long a credential holds: until it expires, or is revoked. */
export class Lifetime {
  readonly #clock: Clock;
  readonly #expiresAt: number;
  readonly #listeners = new Set<() => void>();
  #isEnded = false;
  #cancelTimer: (() => void) | undefined;

  /** @param expiresAt undefined: never */
  constructor(clock: Clock, expiresAt: Date | undefined) {
    this.#clock = clock;
    this.#expiresAt = expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
  }

  get isOver(): boolean {
    return this.#isEnded || this.#remainingMs() <= 0;
  }

  /** Whether anything open depends on it. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Ends it before its time. */
  end(): void {
    this.#isEnded = true;
    this.#cancelTimer?.();
    for (const listener of this.#listeners) {
      this.#listeners.delete(listener);
      listener();
    }
  }

  /** Calls back once at its end; at once if it is over. @returns to watch no longer */
  watch(listener: () => void): () => void {
    if (this.isOver) {
      listener();
      return () => undefined;
    }
    // Each call has a listener of its own, also for the same function.
    const own = (): void => listener();
    this.#listeners.add(own);
    this.#await();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) {
        this.#cancelTimer?.();
        this.#cancelTimer = undefined;
      }
    };
  }

  #remainingMs(): number {
    return this.#expiresAt === Number.POSITIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : this.#expiresAt - this.#clock.now().getTime();
  }

  #await(): void {
    if (this.#cancelTimer !== undefined || this.#expiresAt === Number.POSITIVE_INFINITY) {
      return;
    }
    this.#cancelTimer = this.#clock.after(Math.min(this.#remainingMs(), MAX_DELAY_MS), () => {
      this.#cancelTimer = undefined;
      if (this.isOver) {
        this.end();
      } else {
        this.#await();
      }
    });
  }
}
