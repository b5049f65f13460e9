import { isAppError } from "../../kernel/app-error.ts";
import type { AttemptPorts } from "./execute-attempt.ts";
import { knownDefinition } from "./known-definition.ts";
import { HELP_TOPIC } from "./running-attempts.ts";
import type { QueuedTask } from "./task-queue.ts";

/** What became of a helper's delivery: it helped to the end of the work, was stopped, or was not needed any more. */
export type HelpOutcome = "HELPED" | "STOPPED" | "NOT_NEEDED";

/** What stops a helper as it stops the attempt; the attempt, or the next one, does the rest. */
const STOPS = ["ATTEMPT_FENCED", "CANCELLED", "HANDED_OVER", "UNAVAILABLE"] as const;

/**
 * Helps a running attempt with its work. The attempt keeps the lease and settles; what a helper commits is fenced by the
 * attempt's number like all that the attempt does itself.
 */
export async function helpAttempt(ports: AttemptPorts, { id, attempt }: QueuedTask): Promise<HelpOutcome> {
  const task = (await ports.tasks.find([id])).get(id);
  const definition = task === undefined ? undefined : knownDefinition(ports.definitions, task.kind);
  if (task?.status !== "RUNNING" || task.attempt !== attempt || definition?.help === undefined) {
    return "NOT_NEEDED";
  }
  const controller = new AbortController();
  const leave = ports.runningAttempts.add(id, { stop: (reason) => controller.abort(reason) });
  try {
    await definition.help({
      task,
      attempt,
      signal: controller.signal,
      reportProgress(counts) {
        ports.bus
          .publish(HELP_TOPIC, { taskId: id, attempt, counts: { ...counts } })
          .catch((error: unknown) => {
            ports.logger.debug({ err: error, taskId: id }, "a helper could not tell of its progress");
          });
      },
    });
    return "HELPED";
  } catch (error) {
    // Whatever is wrong with the work, the attempt comes upon it too, and tells it.
    const isFamiliar = controller.signal.aborted || STOPS.some((code) => isAppError(error, code));
    ports.logger[isFamiliar ? "debug" : "warn"]({ err: error, taskId: id }, "a helper was stopped");
    return "STOPPED";
  } finally {
    leave();
  }
}
