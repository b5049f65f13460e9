import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 100;

/**
 * Looks again and again until there is something to see.
 * @param look undefined for not yet; what it throws counts as not yet too, since stores are down now and then
 * @throws what was missing when `ms` have passed
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
