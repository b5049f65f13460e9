import { appendFileSync } from "node:fs";
import { threadClock } from "../../bench/thread-clock.ts";

/** Shorter turns of the event loop are not told, in ms. */
const LONG_MS = 100;
const INTERVAL_MS = 10;

/** Imported by a service before its own code: writes how long it works at a time into a file, in ms, a line each. */
const file = process.env["FUZZ_TURNS"];
if (file !== undefined) {
  const clock = threadClock();
  let before = clock.now();
  setInterval(() => {
    const now = clock.now();
    if (now - before > LONG_MS) {
      appendFileSync(file, `${Math.round(now - before)}\n`);
    }
    before = now;
  }, INTERVAL_MS).unref();
}
