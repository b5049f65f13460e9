import { AppError } from "../../../kernel/app-error.ts";
import type { Json } from "../../../kernel/json.ts";
import type { Logger } from "../../../kernel/logger.ts";
import type { Service } from "../../../kernel/service.ts";
import { createService } from "../../../kernel/service.ts";
import type { Counts } from "../progress.ts";
import type { EventBus } from "../../events/event-bus.ts";

/** The bus topic of requests to cancel. */
export const CANCEL_TOPIC = "powercrud_cancellations";

/** The bus topic of requests to pause. */
export const PAUSE_TOPIC = "powercrud_pauses";

/** The bus topic on which helpers report to the attempt. */
export const HELP_TOPIC = "powercrud_help";

/** Ends an attempt early, with the reason its signal gives. */
export type StopAttempt = (reason: AppError) => void;

/** What a helper has done since its last report. */
export interface HelpMessage {
  readonly taskId: string;
  readonly attempt: number;
  readonly counts: Counts;
  readonly message?: string;
}

/** An attempt, or a helper of one, that this process runs. */
export interface RunningAttempt {
  readonly stop: StopAttempt;
  /** Receives the reports of helpers. */
  readonly onHelp?: (message: HelpMessage) => void;
}

/** The attempts that this process runs, to be stopped from outside. */
export interface RunningAttempts extends Service {
  /** @returns a function that removes it */
  add(taskId: string, attempt: RunningAttempt): () => void;
  /** Stops all attempts, and later ones at once: the process is stopping, and other processes continue the tasks. */
  handOver(): void;
  count(): number;
}

/**
 * Listens on the bus for requests to cancel and to pause. A lost request is noticed at the next chunk or heartbeat, which read it from
 * the task store.
 */
export function createRunningAttempts(options: {
  readonly bus: Pick<EventBus, "subscribe">;
  readonly logger: Logger;
}): RunningAttempts {
  const attempts = new Map<string, Set<RunningAttempt>>();
  let isHandedOver = false;
  const idle: (() => void)[] = [];
  const untilIdle = (): Promise<void> =>
    attempts.size === 0 ? Promise.resolve() : new Promise((resolve) => void idle.push(resolve));
  const unsubscribes: (() => Promise<void>)[] = [];
  const listen = async (
    topic: string,
    hear: (message: Json, running: RunningAttempt) => void,
  ): Promise<void> => {
    const unsubscribe = await options.bus.subscribe(topic, {
      onMessage: (message) => attempts.get(taskIdOf(message))?.forEach((running) => hear(message, running)),
      onGap: () => undefined,
    });
    unsubscribes.push(unsubscribe);
  };
  const service = createService({
    name: "running attempts",
    async start() {
      await listen(CANCEL_TOPIC, (_message, { stop }) => stop(cancelled()));
      await listen(PAUSE_TOPIC, (_message, { stop }) => stop(paused()));
      await listen(HELP_TOPIC, (message, { onHelp }) => onHelp?.(message as unknown as HelpMessage));
    },
    async stop() {
      // An attempt that was run for one that waited may have outlived it.
      await untilIdle();
      await Promise.all(unsubscribes.splice(0).map((unsubscribe) => unsubscribe()));
    },
  });
  return {
    ...service,
    add(taskId, attempt) {
      const running = attempts.get(taskId) ?? new Set();
      attempts.set(taskId, running.add(attempt));
      if (isHandedOver) {
        attempt.stop(handedOver());
      }
      return () => {
        running.delete(attempt);
        if (running.size === 0) {
          attempts.delete(taskId);
        }
        if (attempts.size === 0) {
          idle.splice(0).forEach((resolve) => resolve());
        }
      };
    },
    handOver() {
      isHandedOver = true;
      attempts.forEach((running) => running.forEach(({ stop }) => stop(handedOver())));
    },
    count: () => attempts.size,
  };
}

/** The reason of an attempt that was asked to stop. */
export function cancelled(): AppError {
  return new AppError("CANCELLED", "The task was cancelled.");
}

/** The reason of an attempt that stops because its task is paused. */
export function paused(): AppError {
  return new AppError("PAUSED", "The task is paused; a later attempt goes on with it.");
}

function handedOver(): AppError {
  return new AppError("HANDED_OVER", "The process is stopping; another goes on with the task.");
}

function taskIdOf(message: Json): string {
  const { taskId } = (message ?? {}) as { readonly taskId?: unknown };
  return typeof taskId === "string" ? taskId : "";
}
