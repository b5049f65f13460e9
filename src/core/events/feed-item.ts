import { encodeCursor } from "./event-cursor.ts";
import type { Task } from "../tasks/task.ts";
import type { TaskEvent } from "./task-event.ts";

/** An event together with its task, read after the event. */
export interface FeedEntry {
  readonly event: TaskEvent;
  readonly task: Task;
}

/** What a subscriber receives. */
export interface FeedItem extends FeedEntry {
  /**
   * Resumes the subscription after this item: the position of the latest lifecycle event that the subscriber received, or
   * of its start.
   */
  readonly cursor: string;
}

/** The items of an entry by where their subscribers resume. */
const items = new WeakMap<FeedEntry, Map<number, FeedItem>>();

/** The entry as an item: one object for all subscribers that resume at the position. */
export function itemOf(entry: FeedEntry, resumeAfter: number): FeedItem {
  const known = items.get(entry) ?? new Map<number, FeedItem>();
  items.set(entry, known);
  const item = known.get(resumeAfter) ?? { ...entry, cursor: encodeCursor(resumeAfter) };
  known.set(resumeAfter, item);
  return item;
}

/** Restricts the events. A left-out member does not restrict; an empty list lets nothing through. */
export interface FeedFilter {
  readonly taskIds?: readonly string[];
  readonly models?: readonly string[];
  readonly kinds?: readonly string[];
  readonly types?: readonly FeedEntry["event"]["type"][];
}

/** Whether the filter lets the entry through. */
export function passesFilter(filter: FeedFilter, { event, task }: FeedEntry): boolean {
  return (
    allows(filter.taskIds, task.id) &&
    allows(filter.models, task.model) &&
    allows(filter.kinds, task.kind) &&
    allows(filter.types, event.type)
  );
}

function allows<T>(allowed: readonly T[] | undefined, value: T | null): boolean {
  return allowed === undefined || (value !== null && allowed.includes(value));
}
