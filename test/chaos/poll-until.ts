import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 100;
/** How many times as long a look is repeated while something moves. */
const PATIENCE = 5;

/**
 * Repeats a look until it returns something.
 * @param look returns undefined for not yet. An error counts as not yet, too, since stores are down at times
 * @param moved a figure that stands still when nothing goes on any more. While it changes, more time is given: on a busy machine,
 *   work goes on slowly
 * @throws Error that names what is missing once `ms` have passed, in which nothing has moved
 */
export async function pollUntil<T>(
  look: () => Promise<T | undefined>,
  ms: number,
  what: string,
  moved: () => Promise<string | undefined> = async () => undefined,
): Promise<T> {
  const start = Date.now();
  let movedAt = start;
  let figure: string | undefined;
  let lastError: unknown;
  while (Date.now() < Math.min(movedAt + ms, start + PATIENCE * ms)) {
    try {
      const seen = await look();
      if (seen !== undefined) {
        return seen;
      }
      const now = await moved();
      if (now !== figure) {
        movedAt = figure === undefined ? movedAt : Date.now();
        figure = now;
      }
    } catch (error) {
      lastError = error;
    }
    await delay(POLL_MS);
  }
  throw new Error(`${what} did not happen within ${ms} ms`, { cause: lastError });
}
