import { isWithin } from "../../../src/core/tasks/task-sight.ts";
import type { Counts, Progress } from "../../../src/core/tasks/progress.ts";
import { NO_COUNTS, addCounts, progressOf, runningProgress } from "../../../src/core/tasks/progress.ts";
import type { TaskClaim } from "../../../src/core/tasks/task-claim.ts";
import type { TaskError } from "../../../src/core/tasks/task-error.ts";
import type { NamedRecord, TaskFilter } from "../../../src/core/tasks/task-reads.ts";
import type { NewTask } from "../../../src/core/tasks/new-tasks.ts";
import { pendingTaskOf } from "../../../src/core/tasks/new-tasks.ts";
import type { StoredPause } from "./task-shelf.ts";
import type { Task } from "../../../src/core/tasks/task.ts";

/** A part of a task's records. */
export interface StoredChunk extends Counts {
  readonly ids: readonly string[];
  readonly fields: readonly string[];
  readonly isDone: boolean;
}

type PauseState = Pick<Task, "pauseRequestedAt" | "pauseRequestedBy" | "pausedAt">;

/** A task as the memory store keeps it. Never changed, only replaced. */
export interface StoredTask {
  readonly id: string;
  readonly task: Omit<Task, "progress" | "isCleaned" | "cancelRequestedAt" | keyof PauseState>;
  readonly total: number | null;
  /** Final counts. Until the task is settled: the records that its launch left out. */
  readonly counts: Counts;
  readonly inputHash: string;
  readonly idempotencyKey: string | null;
  /** Null once it is settled. */
  readonly duplicateKey: string | null;
  readonly claims: readonly TaskClaim[];
  readonly cleanedAt: Date | null;
  readonly chunks: readonly StoredChunk[];
  readonly skippedAtLaunch: number;
  readonly hasDependents: boolean;
  readonly concurrency: NewTask["concurrency"];
  /** See PostponedTasks. */
  readonly unknownSince: Date | null;
  readonly slot: "AWAITED" | "GIVEN" | null;
  readonly errors: readonly TaskError[];
}

/** A new PENDING row. @param nextPosition numbers its errors */
export function storeTask(created: NewTask, nextPosition: () => number): StoredTask {
  return {
    id: created.id,
    task: pendingTaskOf(structuredClone(created)),
    total: created.total,
    counts: { ...NO_COUNTS, skipped: created.skipped.length },
    inputHash: created.inputHash,
    idempotencyKey: created.idempotencyKey,
    duplicateKey: created.duplicateKey,
    claims: structuredClone(created.claims),
    cleanedAt: null,
    chunks: created.chunks.map(({ ids, fields }) => ({ ids, fields, isDone: false, ...NO_COUNTS })),
    skippedAtLaunch: created.skipped.length,
    hasDependents: created.claims.some(({ isDependent }) => isDependent === true),
    concurrency: created.concurrency,
    unknownSince: null,
    slot: null,
    errors: created.skipped.map((error) => ({ ...error, position: nextPosition() })),
  };
}

/** Sums of the DONE chunks and of the records that the launch left out. */
export function countDone(stored: StoredTask): Counts {
  const start: Counts = { ...NO_COUNTS, skipped: stored.skippedAtLaunch };
  return stored.chunks.filter((chunk) => chunk.isDone).reduce<Counts>(addCounts, start);
}

/** What the store knows of a task outside its row. */
export interface TaskSurroundings {
  /** The last report of the current attempt. */
  readonly reported: Progress | null;
  readonly cancelRequestedAt: Date | null;
  readonly pause: StoredPause | undefined;
}

/** The task as the port returns it. */
export function readTask(stored: StoredTask, { reported, cancelRequestedAt, pause }: TaskSurroundings): Task {
  const isSettled = stored.task.finishedAt !== null;
  const hasBegun = !isSettled && stored.task.attempt > 0;
  const progress = hasBegun
    ? runningProgress(stored.total, countDone(stored), reported)
    : progressOf(stored.total, stored.counts);
  return structuredClone({
    ...stored.task,
    postponedUntil: stored.task.status === "PENDING" ? stored.task.postponedUntil : null,
    cancelRequestedAt,
    ...pauseState(isSettled ? undefined : pause),
    progress,
    isCleaned: stored.cleanedAt !== null,
  });
}

function pauseState(pause: StoredPause | undefined): PauseState {
  return {
    pauseRequestedAt: pause?.requestedAt ?? null,
    pauseRequestedBy: pause?.requestedBy ?? null,
    pausedAt: pause?.pausedAt ?? null,
  };
}

/** Whether the task matches the query. */
export function matchesQuery(stored: StoredTask, query: TaskFilter): boolean {
  const { task } = stored;
  return (
    isOfKind(stored, query) &&
    isAmong(task.status, query.statuses) &&
    isAmong(task.kind, query.kinds) &&
    isAmong(task.model, query.models) &&
    isAmong(task.id, query.ids) &&
    isAmong(task.parent, query.parents) &&
    isAmong(task.schedule, query.schedules) &&
    isWithin(query.seen, task) &&
    (query.createdBy === undefined || query.createdBy === task.viewer.id) &&
    isWithinTimes(task.createdAt, query)
  );
}

function isOfKind(stored: StoredTask, { isDryRun, record }: TaskFilter): boolean {
  return (
    (isDryRun === undefined || isDryRun === stored.task.isDryRun) &&
    (record === undefined || concerns(stored, record))
  );
}

function concerns(stored: StoredTask, { model, id }: NamedRecord): boolean {
  const { task, chunks, claims, errors, skippedAtLaunch } = stored;
  const leftOut = errors.slice(0, skippedAtLaunch);
  return (
    (task.model === model &&
      (chunks.some(({ ids }) => ids.includes(id)) || leftOut.some(({ recordId }) => recordId === id))) ||
    claims.some((claim) => claim.model === model && Array.isArray(claim.ids) && claim.ids.includes(id))
  );
}

function isWithinTimes(at: Date, { createdAfter, createdBefore }: TaskFilter): boolean {
  return (
    (createdAfter === undefined || at >= createdAfter) && (createdBefore === undefined || at < createdBefore)
  );
}

function isAmong(value: string | null, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || (value !== null && wanted.includes(value));
}
