import type { EventEmitter } from "node:events";

/** What is used of `process`. */
export type SignalledProcess = Pick<EventEmitter, "on"> & Pick<NodeJS.Process, "exit" | "ppid" | "env">;

/** Ctrl-C, a polite kill, and the terminal going away. */
const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
/** A shell reports a program that a signal ended as 128 and the signal's number; this is SIGINT's. */
const FORCED_EXIT_CODE = 130;

/** How often to look whether npm is still there, in ms. */
const PARENT_POLL_MS = 200;

/**
 * A signal that is aborted when the operator asks the program to stop. Asking once more ends it on the spot.
 * @param echoMs a terminal's Ctrl-C reaches us once by itself and once through npm, which passes on its own: what
 *   comes within so many ms after the first counts as its echo. Default 1,000.
 */
export function createStopSignal(process: SignalledProcess, echoMs = 1000): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  for (const name of SIGNALS) {
    process.on(name, () => {
      const now = performance.now();
      firstAt ??= now;
      if (now - firstAt > echoMs) {
        process.exit(FORCED_EXIT_CODE);
      }
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  watchParent(process, (reason) => controller.abort(reason));
  return controller.signal;
}

/**
 * npm runs us in a shell and passes a polite kill on to that shell, which dies of it and tells us nothing. So under npm
 * the loss of the parent counts as the wish to stop.
 */
function watchParent(process: SignalledProcess, stop: (reason: Error) => void): void {
  if (process.env["npm_command"] === undefined) {
    return;
  }
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      stop(new Error("npm has ended"));
    }
  }, PARENT_POLL_MS).unref();
}
