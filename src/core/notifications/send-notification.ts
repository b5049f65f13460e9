import type { Clock } from "../../kernel/clock.ts";
import { toStorableText } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { SentChannel } from "../tasks/notify.ts";
import type { Task } from "../tasks/task.ts";
import type { TextPorts } from "./notification-text.ts";
import { describeNotification } from "./notification-text.ts";
import type { Notifier, SendOutcome } from "./notifier.ts";
import type { Outbox, OutboxRow, TryResult } from "./outbox.ts";

/** What sending needs. */
export interface SendPorts extends TextPorts {
  readonly outbox: Pick<Outbox, "conclude">;
  /** The channels that this process knows. */
  readonly notifiers: { readonly [Channel in SentChannel]?: Notifier };
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often and how long a notification is tried. */
export interface SendOptions {
  /** The most time of one try, in ms. */
  readonly timeoutMs: number;
  /** After this many tries that failed it is DEAD. */
  readonly maxTries: number;
  /** The delays are spread by a fifth, so that what failed together does not come back together. Default: Math.random */
  readonly random?: () => number;
}

const FIRST_DELAY_MS = 10_000;
const MAX_DELAY_MS = 6 * 3_600_000;
const SPREAD = 0.2;
const MAX_ERROR_LENGTH = 500;

/**
 * The time from a failed try to the next: 10 seconds after the first, then twice as long each time, at most 6 hours; each up
 * to a fifth shorter or longer.
 * @param tries how many have failed
 */
export function delayAfter(tries: number, random: () => number = Math.random): number {
  const delay = Math.min(FIRST_DELAY_MS * 2 ** (tries - 1), MAX_DELAY_MS);
  return Math.round(delay * (1 - SPREAD + 2 * SPREAD * random()));
}

/**
 * Sends a notification that was taken from the outbox, and notes how that went.
 * @param task undefined where it was deleted meanwhile, together with the notification
 * @param stopped aborts when the process stops
 */
export async function sendNotification(
  ports: SendPorts,
  options: SendOptions,
  { row, task }: { readonly row: OutboxRow; readonly task: Task | undefined },
  stopped: AbortSignal,
): Promise<void> {
  if (task === undefined) {
    return;
  }
  // A process that dies while it sends counts the try, and cannot say how it went.
  const isWornOut = row.tries > options.maxTries;
  const outcome: SendOutcome = isWornOut
    ? { kind: "REFUSED", error: row.lastError ?? "The process that sent it died." }
    : await trySending(ports, row, task, options.timeoutMs, stopped);
  const now = ports.clock.now();
  const result: TryResult =
    outcome.kind === "FAILED" && stopped.aborted
      ? { kind: "POSTPONED", until: now, error: outcome.error }
      : resultOf(outcome, row.tries, now, options);
  if (result.kind === "DEAD") {
    ports.logger.error(
      { notificationId: row.id, channel: row.channel, tries: row.tries, reason: result.error },
      "a notification was given up",
    );
  }
  await ports.outbox.conclude(row, result);
}

async function trySending(
  ports: SendPorts,
  row: OutboxRow,
  task: Task,
  timeoutMs: number,
  stopped: AbortSignal,
): Promise<SendOutcome> {
  const notifier = ports.notifiers[row.channel];
  if (notifier === undefined) {
    return { kind: "FAILED", error: `The process does not have the channel ${row.channel} set up.` };
  }
  const { taskId: _taskId, ...rest } = row;
  const limit = new AbortController();
  const abort = (): void => limit.abort(stopped.reason);
  const stopTimer = ports.clock.after(timeoutMs, () =>
    limit.abort(new Error(`There was no answer within ${timeoutMs} ms.`)),
  );
  stopped.addEventListener("abort", abort, { once: true });
  try {
    limit.signal.throwIfAborted();
    const outgoing = { ...rest, task, ...describeNotification(ports, task) };
    return await Promise.race([notifier.send(outgoing, limit.signal), rejectedOn(limit.signal)]);
  } catch (error) {
    ports.logger.debug({ err: error, notificationId: row.id }, "a notification could not be sent");
    return { kind: "FAILED", error: error instanceof Error ? error.message : String(error) };
  } finally {
    stopTimer();
    stopped.removeEventListener("abort", abort);
    // Ends what still waits for the signal.
    limit.abort();
  }
}

/** For a notifier that does not heed its signal. */
function rejectedOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function resultOf(outcome: SendOutcome, tries: number, now: Date, options: SendOptions): TryResult {
  if (outcome.kind === "SENT") {
    return { kind: "SENT", at: now };
  }
  const error = toStorableText(outcome.error)
    .slice(0, MAX_ERROR_LENGTH)
    .replace(/\p{Surrogate}$/u, "");
  if (outcome.kind === "REFUSED" || tries >= options.maxTries) {
    return { kind: "DEAD", error };
  }
  const delayMs = Math.max(delayAfter(tries, options.random), Math.min(outcome.waitMs ?? 0, MAX_DELAY_MS));
  return { kind: "POSTPONED", until: new Date(now.getTime() + delayMs), error };
}
