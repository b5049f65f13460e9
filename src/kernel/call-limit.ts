import { AppError } from "./app-error.ts";
import type { Clock } from "./clock.ts";

/** How long one call of the app's code may take. */
export interface CallLimit {
  readonly clock: Pick<Clock, "after">;
  readonly limitMs: number;
}

/**
 * Calls code of the app's that may never return. Such a call is left behind: what it returns or throws later counts for
 * nothing.
 * @param what it is, for the message
 * @throws AppError TIMED_OUT, or what the call throws before
 */
async function callWithin<Result>(
  { clock, limitMs }: CallLimit,
  what: string,
  call: () => Result | Promise<Result>,
): Promise<Result> {
  const made = call();
  if (typeof (made as Partial<Promise<Result>> | null | undefined)?.then !== "function") {
    return made;
  }
  let stop = (): void => undefined;
  const timeOut = new Promise<never>((_resolve, reject) => {
    stop = clock.after(limitMs, () =>
      reject(new AppError("TIMED_OUT", `${what} took longer than ${limitMs} ms.`)),
    );
  });
  try {
    return await Promise.race([made, timeOut]);
  } finally {
    stop();
  }
}

/** Calls code as {@link callWithin} does; without a limit, it is only called. */
export function limiterOf(limit: CallLimit | undefined, what: string) {
  return async <Result>(call: () => Result | Promise<Result>): Promise<Result> =>
    limit === undefined ? call() : callWithin(limit, what, call);
}
