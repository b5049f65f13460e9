import type { EventLog, NewLifecycleEvent } from "../../../src/core/events/event-log.ts";
import type { LifecycleEvent } from "../../../src/core/events/task-event.ts";
import { requiredMemory } from "./memory-transaction.ts";
import type { MemoryTransaction } from "./memory-transaction.ts";

/**
 * An event log within one process.
 * @param options.maxEvents how many of the latest are kept; default 100,000
 */
export function createMemoryEventLog(options: { readonly maxEvents?: number } = {}): EventLog {
  const maxEvents = options.maxEvents ?? 100_000;
  let events: LifecycleEvent[] = [];
  let position = 0;
  const sequences = new Map<string, number>();
  const drafts = new WeakMap<MemoryTransaction, NewLifecycleEvent[]>();

  const place = (draft: readonly NewLifecycleEvent[]): void => {
    for (const event of draft) {
      position += 1;
      const sequence = (sequences.get(event.taskId) ?? 0) + 1;
      sequences.set(event.taskId, sequence);
      events.push({ ...event, position, sequence });
    }
    // Drops half at a time, so that not every event pays for it.
    if (events.length > maxEvents * 1.5) {
      const dropped = events.slice(0, -maxEvents);
      events = events.slice(-maxEvents);
      dropped.filter(({ type }) => type === "CLEANUP").forEach(({ taskId }) => sequences.delete(taskId));
    }
  };
  return {
    async append(transaction, event) {
      const memory = requiredMemory(transaction);
      const draft = drafts.get(memory);
      if (draft === undefined) {
        const first = [structuredClone(event)];
        drafts.set(memory, first);
        memory.atCommit.push(() => place(first));
      } else {
        draft.push(structuredClone(event));
      }
    },
    async replay({ after, taskIds, limit }) {
      const wanted = taskIds === undefined ? undefined : new Set(taskIds);
      const matching = events.filter(
        (event) => event.position > after && (wanted?.has(event.taskId) ?? true),
      );
      return matching.slice(0, limit);
    },
    async head() {
      return position;
    },
  };
}
