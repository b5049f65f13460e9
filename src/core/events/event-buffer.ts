import type { FeedEntry } from "./feed-item.ts";

/**
 * The events that wait for one subscriber. All lifecycle events wait, in order, up to a bound. Of each task's progress
 * only the latest waits, and none before a lifecycle event of the same task, which has the progress, too.
 */
export interface EventBuffer {
  /** @returns false, with nothing added, when there is no room for another lifecycle event */
  push(entry: FeedEntry): boolean;
  /** The oldest; undefined when empty. */
  shift(): FeedEntry | undefined;
  clear(): void;
}

/** @param maxEvents bound for lifecycle events, and for tasks with waiting progress (more progress is dropped) */
export function createEventBuffer(maxEvents: number): EventBuffer {
  // In order of arrival. Keys: a position for a lifecycle event, a task's id for its progress.
  const entries = new Map<number | string, FeedEntry>();
  let progressCount = 0;

  const remove = (key: number | string): void => {
    if (entries.delete(key) && typeof key === "string") {
      progressCount -= 1;
    }
  };
  const pushProgress = (entry: FeedEntry): void => {
    if (!entries.has(entry.task.id)) {
      if (progressCount >= maxEvents) {
        return;
      }
      progressCount += 1;
    }
    entries.set(entry.task.id, entry);
  };
  return {
    push(entry) {
      if (entry.event.type === "PROGRESS") {
        pushProgress(entry);
        return true;
      }
      if (entries.size - progressCount >= maxEvents) {
        return false;
      }
      remove(entry.task.id);
      entries.set(entry.event.position, entry);
      return true;
    },
    shift() {
      const [oldest] = entries;
      if (oldest === undefined) {
        return undefined;
      }
      remove(oldest[0]);
      return oldest[1];
    },
    clear() {
      entries.clear();
      progressCount = 0;
    },
  };
}
