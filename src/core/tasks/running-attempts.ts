import { AppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import { createService } from "../../kernel/service.ts";
import type { EventBus } from "../events/event-bus.ts";

/** The bus topic on which requests to cancel are told to whoever runs the task. */
export const CANCEL_TOPIC = "powercrud_cancellations";

/** Ends an attempt early, with the reason its signal gives. */
export type StopAttempt = (reason: AppError) => void;

/** The attempts that this process runs, and what can stop them from outside. */
export interface RunningAttempts extends Service {
  /** @returns takes it out again */
  add(taskId: string, stop: StopAttempt): () => void;
  /** Stops all, and those that are still to be added: the process is stopping, and others go on with the tasks. */
  handOver(): void;
  count(): number;
}

/**
 * Hears over the bus which tasks are to be cancelled. What gets lost there is noticed at the next chunk or heartbeat,
 * which read the request from the task store.
 */
export function createRunningAttempts(options: {
  readonly bus: Pick<EventBus, "subscribe">;
  readonly logger: Logger;
}): RunningAttempts {
  const attempts = new Map<string, Set<StopAttempt>>();
  let isHandedOver = false;
  let unsubscribe: () => Promise<void> = () => Promise.resolve();
  const service = createService({
    name: "running attempts",
    async start() {
      unsubscribe = await options.bus.subscribe(CANCEL_TOPIC, {
        onMessage: (message) => attempts.get(taskIdOf(message))?.forEach((stop) => stop(cancelled())),
        onGap: () => undefined,
      });
    },
    stop: () => unsubscribe(),
  });
  return {
    ...service,
    add(taskId, stop) {
      const stops = attempts.get(taskId) ?? new Set();
      attempts.set(taskId, stops.add(stop));
      if (isHandedOver) {
        stop(handedOver());
      }
      return () => {
        stops.delete(stop);
        if (stops.size === 0) {
          attempts.delete(taskId);
        }
      };
    },
    handOver() {
      isHandedOver = true;
      attempts.forEach((stops) => stops.forEach((stop) => stop(handedOver())));
    },
    count: () => attempts.size,
  };
}

/** The reason of an attempt that was asked to stop. */
export function cancelled(): AppError {
  return new AppError("CANCELLED", "The task was cancelled.");
}

function handedOver(): AppError {
  return new AppError("HANDED_OVER", "The process is stopping; another goes on with the task.");
}

function taskIdOf(message: Json): string {
  const { taskId } = (message ?? {}) as { readonly taskId?: unknown };
  return typeof taskId === "string" ? taskId : "";
}
