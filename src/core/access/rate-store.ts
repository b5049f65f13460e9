/** What a caller has asked for in its current minute, in all processes. */
export interface RateCount {
  readonly count: number;
  /** Time until the minute is over, in ms. */
  readonly msLeft: number;
}

/** Counts what callers ask for, for all processes of a deployment. */
export interface RateStore {
  /**
   * Adds to a caller's count. The first addition begins its minute.
   * @param key of the caller, up to 200 characters
   * @throws anything when the store cannot be reached
   */
  add(key: string, count: number): Promise<RateCount>;
}

/** The length of the windows that are counted, in s. */
export const RATE_WINDOW_S = 60;
