import type { RecordOutcome, TaskRowFragment, TaskStatus } from "../generated/graphql.ts";
import type { Model } from "../models/model.ts";
import { inWords } from "../models/model.ts";

/** The status as a word, and the colour that goes with it. */
export const STATUS_WORDS: Readonly<Record<TaskStatus, { readonly word: string; readonly color: string }>> = {
  RECEIVING: { word: "Receiving", color: "blue" },
  WAITING: { word: "Waiting", color: "yellow" },
  PENDING: { word: "Queued", color: "gray" },
  RUNNING: { word: "Running", color: "blue" },
  PAUSED: { word: "Paused", color: "yellow" },
  SUCCEEDED: { word: "Done", color: "green" },
  PARTIAL: { word: "Done in part", color: "orange" },
  FAILED: { word: "Failed", color: "red" },
  CANCELLED: { word: "Cancelled", color: "gray" },
};

/** What became of a record, as a word, and the colour that goes with it. */
export const OUTCOMES: Readonly<Record<RecordOutcome, { readonly word: string; readonly color: string }>> = {
  FAILED: { word: "Failed", color: "red" },
  SKIPPED: { word: "Left out", color: "yellow" },
  SUCCEEDED: { word: "Written", color: "green" },
  UNPROCESSED: { word: "Not reached", color: "gray" },
};

/** What the service calls a retry that nobody gave a label. */
const RETRY_LABEL = /^retry of [\da-f-]{36}$/;

/** Its label, or else what it does: "Bulk update of City". */
export function taskTitle({ label, kind, model }: Pick<TaskRowFragment, "label" | "kind" | "model">): string {
  const words = inWords(kind);
  const deed = model === null || model === undefined ? words : `${words} of ${model}`;
  return RETRY_LABEL.test(label ?? "")
    ? `Retry: ${deed.charAt(0).toLowerCase() + deed.slice(1)}`
    : (label ?? deed);
}

const NUMBERS = new Intl.NumberFormat("en");
const SHORT_NUMBERS = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** 135233 as "135,233". */
export function count(value: number): string {
  return NUMBERS.format(value);
}

/** "8,836 cities", "1 city". */
export function recordsOf({ name, title }: Pick<Model, "name" | "title">, value: number): string {
  return countOf(value, (value === 1 ? inWords(name) : title).toLowerCase());
}

/** "2 items": the number and the word for it. */
export function countOf(value: number, many: string): string {
  return `${count(value)} ${many}`;
}

/** "12.3K a second". */
export function rate(perSecond: number | null | undefined): string | undefined {
  return perSecond === null || perSecond === undefined
    ? undefined
    : `${SHORT_NUMBERS.format(perSecond)} a second`;
}

const STEPS = [
  [1000, "s"],
  [60_000, "min"],
  [3_600_000, "h"],
  [86_400_000, "d"],
] as const;

/** 61,000 ms as "1 min". */
export function duration(ms: number): string {
  const [size, unit] = STEPS.findLast(([least]) => ms >= least) ?? STEPS[0];
  return `${Math.max(1, Math.round(ms / size))} ${unit}`;
}

/** "about 40 s left". */
export function timeLeft(etaMs: number | null | undefined): string | undefined {
  return etaMs === null || etaMs === undefined ? undefined : `about ${duration(etaMs)} left`;
}

/** How far the clocks of the page and of the service may be apart. */
const NEAR_MS = 20_000;

/** "3 min ago", "in 3 min". */
export function ago(at: string, now = Date.now()): string {
  const ms = now - Date.parse(at);
  if (ms < -NEAR_MS) {
    return `in ${duration(-ms)}`;
  }
  return ms < 5000 ? "just now" : `${duration(ms)} ago`;
}
