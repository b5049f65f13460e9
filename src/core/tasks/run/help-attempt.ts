import { isAppError } from "../../../kernel/app-error.ts";
import type { AttemptPorts } from "./execute-attempt.ts";
import { nestedRun, renewTask } from "./execute-attempt.ts";
import type { Counts } from "../progress.ts";
import { NO_COUNTS } from "../progress.ts";
import { outsideTask, runInTask } from "./task-context.ts";
import { findTask } from "../task-reads.ts";
import { HELP_TOPIC } from "./running-attempts.ts";
import type { QueuedTask } from "../task-queue.ts";

/** A message on the bus has a limit. */
const MAX_MESSAGE_LENGTH = 1000;

/** What became of a helper's delivery. */
export type HelpOutcome =
  /** It helped until no work was left. */
  | { readonly kind: "HELPED" }
  | { readonly kind: "STOPPED" }
  /** The attempt is over, or its kind takes no help. */
  | { readonly kind: "NOT_NEEDED" };

/** Errors that stop a helper as they stop the attempt. The attempt, or the next one, does the rest. */
const STOPS = ["ATTEMPT_FENCED", "CANCELLED", "HANDED_OVER", "PAUSED", "UNAVAILABLE"] as const;

/**
 * Helps a running attempt with its work. The attempt keeps the lease and settles. The helper's commits are fenced by the
 * attempt's number, like the attempt's own.
 */
export async function helpAttempt(ports: AttemptPorts, { id, attempt }: QueuedTask): Promise<HelpOutcome> {
  const task = await findTask(ports.tasks, id);
  const definition = task === undefined ? undefined : ports.definitions.find(task.kind);
  if (task?.status !== "RUNNING" || task.attempt !== attempt || definition?.help === undefined) {
    return { kind: "NOT_NEEDED" };
  }
  const controller = new AbortController();
  const leave = ports.runningAttempts.add(id, { stop: (reason) => controller.abort(reason) });
  const { signal } = controller;
  const help = definition.help.bind(definition);
  const report = (counts: Partial<Counts>, message?: string): void => {
    const said = message === undefined ? {} : { message: message.slice(0, MAX_MESSAGE_LENGTH) };
    ports.bus
      .publish(HELP_TOPIC, { taskId: id, attempt, counts: { ...NO_COUNTS, ...counts }, ...said })
      .catch((error: unknown) => {
        ports.logger.debug({ err: error, taskId: id }, "a helper could not report its progress");
      });
  };
  try {
    const renewed = await renewTask(ports, task, signal);
    if (renewed.kind === "ENDED") {
      // The attempt goes on: it began while the viewer might act.
      return { kind: "NOT_NEEDED" };
    }
    const { task: current } = renewed;
    const run = nestedRun(ports, { task: current, number: attempt }, definition, signal, { report });
    await outsideTask(() =>
      runInTask(run, () =>
        help({ task: current, attempt, signal, untilFree: run.untilFree, reportProgress: report }),
      ),
    );
    return { kind: "HELPED" };
  } catch (error) {
    // The attempt meets the same fault of the work itself, and reports it.
    const isFamiliar = controller.signal.aborted || STOPS.some((code) => isAppError(error, code));
    ports.logger[isFamiliar ? "debug" : "warn"]({ err: error, taskId: id }, "a helper was stopped");
    return { kind: "STOPPED" };
  } finally {
    leave();
  }
}
