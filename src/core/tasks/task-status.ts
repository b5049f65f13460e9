/** The states of a task. The last four are final. */
export const TASK_STATUSES = [
  "RECEIVING",
  "PENDING",
  "WAITING",
  "RUNNING",
  "PAUSED",
  "SUCCEEDED",
  "PARTIAL",
  "FAILED",
  "CANCELLED",
] as const;

/** The state of a task; SUCCEEDED, PARTIAL, FAILED and CANCELLED are final. */
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The statuses that never change again. */
export type FinalStatus = "SUCCEEDED" | "PARTIAL" | "FAILED" | "CANCELLED";

/**
 * The statuses that may follow each. Nearly all tasks begin as PENDING, and imports as RECEIVING. RUNNING follows RUNNING when a rescued task begins its next attempt; PENDING follows
 * RUNNING when the next attempt is postponed. The diagram in `docs/architecture.md` is printed from this table.
 */
export const TRANSITIONS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  RECEIVING: ["PENDING", "FAILED", "CANCELLED"],
  PENDING: ["WAITING", "RUNNING", "PAUSED", "FAILED", "CANCELLED"],
  WAITING: ["PENDING", "FAILED", "CANCELLED"],
  RUNNING: ["PENDING", "RUNNING", "PAUSED", "SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"],
  PAUSED: ["PENDING", "FAILED", "CANCELLED"],
  SUCCEEDED: [],
  PARTIAL: [],
  FAILED: [],
  CANCELLED: [],
};

/** Whether a task may go from one status to the other. */
export function canTransition(from: TaskStatus, to: TaskStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether the status is final. */
export function isFinal(status: TaskStatus): status is FinalStatus {
  return TRANSITIONS[status].length === 0;
}

/** The statuses that `to` may follow: a guarded UPDATE compares with them. */
export function statusesBefore(to: TaskStatus): readonly TaskStatus[] {
  return TASK_STATUSES.filter((from) => canTransition(from, to));
}
