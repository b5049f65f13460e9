import { AppError } from "../../../kernel/app-error.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { TaskDefinition } from "../task-definition.ts";

/** How long work may go on after it was told that its time is up, in ms. */
const GRACE_MS = 1000;

/** A limit on the time of one attempt. */
export interface TimeLimit {
  readonly clock: Pick<Clock, "after">;
  /** Of the attempt. */
  readonly signal: AbortSignal;
  readonly limitMs: number;
}

/**
 * Runs work whose signal also aborts, with AppError TIMED_OUT, when its time is up. Work that goes on all the same is left
 * behind after a second: what it returns or throws later counts for nothing.
 * @throws AppError TIMED_OUT, or what the work throws before
 */
export async function withTimeLimit<Result>(
  { clock, signal, limitMs }: TimeLimit,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const timers: (() => void)[] = [];
  const abandoned = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => reject(controller.signal.reason as AppError);
    const timeOut = (): void => {
      controller.abort(timedOut(limitMs));
      timers.push(clock.after(GRACE_MS, giveUp));
    };
    timers.push(clock.after(limitMs, timeOut));
  });
  try {
    return await Promise.race([work(AbortSignal.any([signal, controller.signal])), abandoned]);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    timers.forEach((stop) => stop());
  }
}

/** The definition, with a limit on the time of its attempts: code of the app's may never return. */
export function limitDuration(
  definition: TaskDefinition,
  { clock, limitMs }: Pick<TimeLimit, "clock" | "limitMs">,
): TaskDefinition {
  const { handle, help } = definition;
  return {
    ...definition,
    handle: (context) =>
      withTimeLimit({ clock, limitMs, signal: context.signal }, (signal) => handle({ ...context, signal })),
    ...(help && {
      help: (context) =>
        withTimeLimit({ clock, limitMs, signal: context.signal }, (signal) => help({ ...context, signal })),
    }),
  };
}

function timedOut(limitMs: number): AppError {
  return new AppError("TIMED_OUT", `The attempt took longer than ${limitMs} ms.`);
}
