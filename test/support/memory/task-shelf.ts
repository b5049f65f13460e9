import type { HookCall } from "../../../src/core/tasks/hook-calls.ts";
import type { Progress } from "../../../src/core/tasks/progress.ts";
import type { MemoryTaskRows } from "./memory-task-rows.ts";
import type { StoredTask } from "./stored-task.ts";

/** An attempt's lease. It is outside the task's row, so that a heartbeat never waits. */
export interface Lease {
  readonly heartbeatAt: Date;
  readonly progress: Progress | null;
}

/** A call of a hook that has not ended. */
export interface StoredHookCall extends HookCall {
  readonly createdAt: Date;
  readonly takenAt: Date;
}

/** A pause that was asked for. */
export interface StoredPause {
  readonly requestedAt: Date;
  readonly requestedBy: string | null;
  /** Null while the attempt is still to stop. */
  readonly pausedAt: Date | null;
}

/** The data that the parts of a memory task store share. */
export interface TaskShelf {
  readonly rows: MemoryTaskRows;
  readonly leases: Map<string, Lease>;
  readonly enqueued: Map<string, Date>;
  /** When a cancel was requested, by task. */
  readonly cancellations: Map<string, Date>;
  /** Requests to pause, and paused tasks, by task. */
  readonly pauses: Map<string, StoredPause>;
  /** Since when each call of a hook has been under way, by task and step. */
  readonly hookCalls: Map<string, StoredHookCall>;
  readonly nextErrorPosition: () => number;
}

/** The key of the task's current attempt. */
export function leaseKey({ id, task }: StoredTask): string {
  return `${id}:${task.attempt}`;
}
