import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 100;

/**
 * Repeats a look until it returns something.
 * @param look returns undefined for not yet. An error counts as not yet, too, since stores are down at times
 * @throws Error that names what is missing once `ms` have passed
 */
export async function pollUntil<T>(look: () => Promise<T | undefined>, ms: number, what: string): Promise<T> {
  const deadline = Date.now() + ms;
  let lastError: unknown;
  while (Date.now() < deadline) {
    try {
      const seen = await look();
      if (seen !== undefined) {
        return seen;
      }
    } catch (error) {
      lastError = error;
    }
    await delay(POLL_MS);
  }
  throw new Error(`${what} did not happen within ${ms} ms`, { cause: lastError });
}
