import type { CronTimes } from "./cron.ts";
import type { MissedPolicy } from "./schedule.ts";

/** A due time is missed when nobody has launched it for that long: an outage, or a machine that slept. */
const MISSED_AFTER_MS = 60_000;

/** What to do about a due time that has come. */
export type DueDecision =
  /** Launch. The launch stands for all due times up to `through`. */
  | { readonly kind: "LAUNCH"; readonly through: Date }
  | { readonly kind: "SKIP"; readonly nextRunAt: Date | null };

/**
 * Decides about a due time. Due times that are only a little late are launched one by one. Under ONCE, one launch stands for
 * all that passed before this process began to launch, and for all up to now if the first of them was missed.
 * @param startedAt when this process began to launch
 */
export function decideDue(
  { due, missed }: { readonly due: Date; readonly missed: MissedPolicy },
  times: CronTimes,
  { now, startedAt }: { readonly now: Date; readonly startedAt: Date },
): DueDecision {
  const isMissed = now.getTime() - due.getTime() > MISSED_AFTER_MS;
  if (missed === "SKIP") {
    return isMissed
      ? { kind: "SKIP", nextRunAt: times.nextAfter(new Date(now.getTime() - MISSED_AFTER_MS)) }
      : { kind: "LAUNCH", through: due };
  }
  return { kind: "LAUNCH", through: isMissed || due < startedAt ? now : due };
}
