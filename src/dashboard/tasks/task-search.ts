import type { TaskRowFragment, TaskStatus, TaskWhere } from "../generated/graphql.ts";
import { STATUS_WORDS } from "./task-words.ts";

/** How long ago tasks were launched at most. */
export const SPANS = {
  "1h": { words: "Last hour", ms: 3_600_000 },
  "24h": { words: "Last 24 hours", ms: 86_400_000 },
  "7d": { words: "Last 7 days", ms: 7 * 86_400_000 },
  "30d": { words: "Last 30 days", ms: 30 * 86_400_000 },
} as const;

/** What the address keeps of the list of tasks. */
export interface TaskListSearch {
  readonly status?: readonly TaskStatus[] | undefined;
  readonly model?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
  /** Who launched them. */
  readonly owner?: string | undefined;
  readonly since?: keyof typeof SPANS | undefined;
  /** Days, such as `2026-01-31`; the last one counts. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** The list begins behind this place. */
  readonly after?: string | undefined;
}

/** What an address says; what makes no sense is left out. */
export function readTaskSearch(search: Readonly<Record<string, unknown>>): TaskListSearch {
  const statuses = texts(search["status"]).filter((one): one is TaskStatus => one in STATUS_WORDS);
  const since = oneText(search["since"]);
  return {
    ...(statuses.length === 0 ? {} : { status: statuses }),
    ...listed("model", search["model"]),
    ...listed("kind", search["kind"]),
    ...given("owner", oneText(search["owner"])),
    ...(since !== undefined && since in SPANS ? { since: since as keyof typeof SPANS } : {}),
    ...given("from", day(search["from"])),
    ...given("to", day(search["to"])),
    ...given("after", oneText(search["after"])),
  };
}

function texts(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === "string");
}

function oneText(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function day(value: unknown): string | undefined {
  return typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) ? value : undefined;
}

function listed(name: string, value: unknown): object {
  const values = texts(value);
  return values.length === 0 ? {} : { [name]: values };
}

function given(name: string, value: string | undefined): object {
  return value === undefined || value === "" ? {} : { [name]: value };
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The filter of an address. It stays the same for a minute, so that it can name a question. */
export function taskWhereOf(search: TaskListSearch, now: number): TaskWhere {
  const { status, model, kind, owner, since, from, to } = search;
  const span = since === undefined ? undefined : SPANS[since].ms;
  const start = span === undefined ? dayStart(from) : Math.floor((now - span) / MINUTE_MS) * MINUTE_MS;
  const end = span === undefined ? dayStart(to) : undefined;
  return {
    ...(status === undefined ? {} : { statuses: [...status] }),
    ...(model === undefined ? {} : { models: [...model] }),
    ...(kind === undefined ? {} : { kinds: [...kind] }),
    ...(owner === undefined ? {} : { createdBy: owner }),
    ...(start === undefined ? {} : { createdAfter: new Date(start).toISOString() }),
    ...(end === undefined ? {} : { createdBefore: new Date(end + DAY_MS).toISOString() }),
  };
}

/** The day's beginning where the browser is. */
function dayStart(text: string | undefined): number | undefined {
  const at = text === undefined ? Number.NaN : new Date(`${text}T00:00`).getTime();
  return Number.isNaN(at) ? undefined : at;
}

/** Whether the filter has the task. */
export function isAmong(where: TaskWhere, task: TaskRowFragment): boolean {
  const { statuses, models, kinds, createdBy, createdAfter, createdBefore } = where;
  const at = Date.parse(task.createdAt);
  return (
    isOneOf(statuses, task.status) &&
    isOneOf(models, task.model ?? "") &&
    isOneOf(kinds, task.kind) &&
    isOneOf(createdBy === undefined || createdBy === null ? createdBy : [createdBy], task.createdBy) &&
    at >= momentOf(createdAfter, -Infinity) &&
    at < momentOf(createdBefore, Infinity)
  );
}

function isOneOf<Value>(
  wanted: readonly Value[] | null | undefined,
  value: Value | null | undefined,
): boolean {
  return (
    wanted === undefined ||
    wanted === null ||
    (value !== null && value !== undefined && wanted.includes(value))
  );
}

function momentOf(text: string | null | undefined, otherwise: number): number {
  return text === undefined || text === null ? otherwise : Date.parse(text);
}
