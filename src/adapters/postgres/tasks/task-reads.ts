import type { Json } from "../../../kernel/json.ts";
import type { Viewer } from "../../../core/access/viewer.ts";
import type { Progress } from "../../../core/tasks/progress.ts";
import { progressOf, runningProgress } from "../../../core/tasks/progress.ts";
import type { ErrorPolicy, OnConflict, Task } from "../../../core/tasks/task.ts";
import type { TaskStatus } from "../../../core/tasks/task-status.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { isUuid } from "../../../kernel/ids.ts";
import type { TaskFilter, TaskReads } from "../../../core/tasks/task-reads.ts";
import type { TaskScope } from "../../../core/tasks/task-sight.ts";
import { MAX_LISTED_CHILDREN, MAX_LISTED_RETRIES } from "../../../core/tasks/task-reads.ts";
import { READ_CHUNK_IDS } from "../sql/chunks.ts";
import { inListOrder, windowValues } from "../sql/list-window.ts";
import {
  countTasks,
  countTasksByStatus,
  FIND_TASKS,
  LIST_CHILDREN,
  LIST_RETRIES,
  NEWEST_RETRY,
  listTasks,
} from "../sql/tasks.ts";

/** Reads tasks, their progress and their records. */
export function createTaskReads(session: SqlSession): TaskReads {
  return {
    async find(ids, within) {
      const rows = await (within?.session ?? session).query<TaskRow>(FIND_TASKS, [ids.filter(isUuid)]);
      return new Map(rows.map((row) => [row.id, toTask(row)]));
    },
    async list(query) {
      const values = [...filterValues(query), ...windowValues(query), ...recordValues(query)];
      const { isBackward } = query;
      const rows = await session.query<TaskRow>(
        listTasks({ isOfRecord: query.record !== undefined, isBackward }),
        values,
      );
      return inListOrder(rows, query.isBackward).map(toTask);
    },
    async count(query) {
      const [row] = await session.query<{ count: number }>(
        countTasks({ isOfRecord: query.record !== undefined }),
        [...filterValues(query), ...recordValues(query)],
      );
      return row?.count ?? 0;
    },
    async countByStatus({ statuses: _all, ...query }) {
      const rows = await session.query<{ status: TaskStatus; count: number }>(
        countTasksByStatus({ isOfRecord: query.record !== undefined }),
        [...filterValues(query), ...recordValues(query)],
      );
      return new Map(rows.map(({ status, count }) => [status, count]));
    },
    async retries(taskIds, seen) {
      const values = [taskIds.filter(isUuid), MAX_LISTED_RETRIES, scopeValue(seen)];
      const rows = await session.query<TaskRow>(LIST_RETRIES, values);
      return groupTasks(rows, ({ retryOf }) => retryOf);
    },
    async children(taskIds, seen) {
      const values = [taskIds.filter(isUuid), MAX_LISTED_CHILDREN, scopeValue(seen)];
      const rows = await session.query<TaskRow>(LIST_CHILDREN, values);
      return groupTasks(rows, ({ parent }) => parent);
    },
    async newestRetry(taskId) {
      const [row] = await session.query<TaskRow>(NEWEST_RETRY, [taskId]);
      return row && toTask(row);
    },
    async recordIds(taskId) {
      const chunks = await session.query<{ ids: readonly string[] }>(READ_CHUNK_IDS, [taskId]);
      return chunks.flatMap(({ ids }) => ids);
    },
  };
}

function groupTasks(
  rows: readonly TaskRow[],
  keyOf: (task: Task) => string | null,
): ReadonlyMap<string, readonly Task[]> {
  const groups = new Map<string, Task[]>();
  for (const task of rows.map(toTask)) {
    const key = keyOf(task) ?? "";
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [task]);
    } else {
      group.push(task);
    }
  }
  return groups;
}

function scopeValue(seen: TaskScope | undefined): string | null {
  return seen === undefined ? null : JSON.stringify(seen);
}

/** Somebody's own tasks: what nearly every viewer sees. The index on creators finds them. */
function creatorOf(query: TaskFilter): string | undefined {
  const [first, ...others] = query.seen ?? [];
  const { createdBy: [creator, ...more] = [], ...rest } = first ?? {};
  const isPlain = others.length === 0 && more.length === 0 && Object.keys(rest).length === 0;
  return isPlain && query.createdBy === undefined ? creator : undefined;
}

/** Only UUIDs can be ids of tasks. */
function filterValues(query: TaskFilter): readonly unknown[] {
  const creator = creatorOf(query);
  return [
    query.statuses,
    query.kinds,
    query.models,
    query.ids?.filter(isUuid),
    query.createdBy ?? creator,
    query.parents?.filter(isUuid),
    query.schedules,
    creator === undefined ? scopeValue(query.seen) : null,
    query.createdAfter,
    query.createdBefore,
    query.isDryRun,
  ].map((value) => value ?? null);
}

/** The model, the id, and a claim on the record; nothing where the query names none. */
function recordValues({ record }: TaskFilter): readonly unknown[] {
  return record === undefined
    ? []
    : [record.model, record.id, JSON.stringify([{ model: record.model, ids: [record.id] }])];
}

/** A row with TASK_COLUMNS. */
export interface TaskRow {
  readonly id: string;
  readonly kind: string;
  readonly model: string | null;
  readonly label: string | null;
  readonly status: TaskStatus;
  readonly error_policy: ErrorPolicy;
  readonly is_dry_run: boolean;
  readonly on_conflict: OnConflict;
  readonly retry_of: string | null;
  readonly parent_id: string | null;
  readonly schedule: string | null;
  readonly trace: string | null;
  readonly viewer: Viewer;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly attempt: number;
  readonly blocked_by: string | null;
  readonly cancel_requested_at: Date | null;
  readonly pause_requested_at: Date | null;
  readonly pause_requested_by: string | null;
  readonly paused_at: Date | null;
  readonly pauses: number;
  readonly postponed_until: Date | null;
  readonly failures: number;
  readonly hand_overs: number;
  readonly total: number | null;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly message: string | null;
  readonly input: Json;
  readonly result: Json;
  readonly has_status_page: boolean;
  readonly is_cleaned: boolean;
  /** What the latest attempt last reported; null once the task is settled. */
  readonly reported: Progress | null;
  /** Sums over the DONE chunks; null where there are none. */
  readonly done_succeeded: number | null;
  readonly done_failed: number | null;
  readonly done_skipped: number | null;
}

/** The task of a row. */
export function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    kind: row.kind,
    model: row.model,
    label: row.label,
    status: row.status,
    errorPolicy: row.error_policy,
    isDryRun: row.is_dry_run,
    onConflict: row.on_conflict,
    retryOf: row.retry_of,
    parent: row.parent_id,
    schedule: row.schedule,
    trace: row.trace,
    viewer: row.viewer,
    hasStatusPage: row.has_status_page,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    attempt: row.attempt,
    blockedBy: row.blocked_by,
    cancelRequestedAt: row.cancel_requested_at,
    pauseRequestedAt: row.pause_requested_at,
    pauseRequestedBy: row.pause_requested_by,
    pausedAt: row.paused_at,
    pauses: row.pauses,
    postponedUntil: row.postponed_until,
    failures: row.failures,
    handOvers: row.hand_overs,
    input: row.input,
    result: row.result,
    message: row.message,
    progress: progressOfRow(row),
    isCleaned: row.is_cleaned,
  };
}

function progressOfRow(row: TaskRow): Progress {
  if (row.finished_at !== null || row.attempt === 0) {
    return progressOf(row.total, { succeeded: row.succeeded, failed: row.failed, skipped: row.skipped });
  }
  const done = {
    succeeded: row.done_succeeded ?? 0,
    failed: row.done_failed ?? 0,
    skipped: row.done_skipped ?? 0,
  };
  return runningProgress(row.total, done, row.reported);
}
