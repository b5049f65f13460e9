import { announceChange } from "../events/record-event.ts";
import { enqueueNext } from "../tasks/settle/enqueue-postponed.ts";
import { ANONYMOUS } from "../access/viewer.ts";
import { cancelTask } from "../tasks/run/cancel-task.ts";
import { pauseAttempt } from "../tasks/settle/pause-attempt.ts";
import { publishNotifications } from "../notifications/announcement.ts";
import { failedEnd, stoppedEnd } from "../tasks/settle/ending.ts";
import { repeatHookCalls } from "../tasks/settle/final-hooks.ts";
import { cleanTask, settleUnattended } from "../tasks/settle/settle-task.ts";
import type { TaskPorts } from "../tasks/settle/task-ports.ts";
import type { PromoteUnblockedPorts } from "./promote-unblocked.ts";
import { promoteUnblocked } from "./promote-unblocked.ts";
import type { StrandedTask } from "../tasks/stranded-tasks.ts";
import type { QueuedTask } from "../tasks/task-queue.ts";
import { isFinal, TASK_STATUSES } from "../tasks/task-status.ts";
import type { Task } from "../tasks/task.ts";
import { RESERVATION_KIND } from "../tasks/task.ts";

/** How long a task may look stranded before the sweeper acts, in ms. */
export interface SweepOptions {
  /** A launch enqueues right after its commit. Older tasks were left behind. */
  readonly enqueueGraceMs: number;
  /** A delivery may be lost. Enqueueing a task that is still in the queue does nothing. */
  readonly beginGraceMs: number;
  /**
   * Whether a worker reads this process's queue. If none does, tasks that were enqueued and not begun are left to the
   * processes whose queue is read. Default: yes.
   */
  readonly isQueueRead?: () => Promise<boolean>;
  /** An attempt that was silent for longer is orphaned. */
  readonly leaseMs: number;
  /** A settled task is cleaned at once. Older ones were left behind. */
  readonly cleanGraceMs: number;
  /** A settled task is deleted when it is older. Left out: never. */
  readonly retentionMs?: number;
  /** How long the file of a settled task is kept. Left out: as long as the task. */
  readonly fileRetentionMs?: number;
}

/** The most tasks of each sort in one pass. The next pass takes the rest. */
const BATCH = 500;

/**
 * One pass over what a crash can leave behind: tasks that were never enqueued, attempts whose worker died, tasks that
 * wait for a settled task, settled tasks that were not cleaned, and locks without a live owner. It also deletes old
 * tasks. Live tasks are not touched. Idempotent; several passes at once do no harm, since the queue does not double an
 * attempt, and one of two deliveries begins.
 */
export async function sweep(ports: PromoteUnblockedPorts, options: SweepOptions): Promise<SweepSummary> {
  const ago = (ms: number): Date => new Date(ports.clock.now().getTime() - ms);
  const isQueueRead = (await options.isQueueRead?.()) ?? true;
  const enqueuedBefore = isQueueRead ? ago(options.beginGraceMs) : undefined;
  const enqueued = await enqueuePending(ports, ago(options.enqueueGraceMs), enqueuedBefore);
  // The end of an attempt gives its slot on; its process may have died before.
  const next = await enqueueNext(ports);
  const orphans = await rescueOrphans(ports, ago(options.leaseMs));
  const abandoned = await cancelAbandoned(ports);
  const turns = await promoteUnblocked(ports, BATCH);
  const cleaned = await clean(ports, ago(options.cleanGraceMs));
  const broken = await endBrokenImports(ports);
  const released = await ports.locks.releaseOrphans();
  await announceOverdue(ports, ago(options.enqueueGraceMs));
  const pruned = await pruneTasks(ports, options.retentionMs);
  if (options.fileRetentionMs !== undefined) {
    await ports.files?.prune(ago(options.fileRetentionMs));
  }
  const cancelled = [...orphans.cancelled, ...abandoned];
  return {
    enqueued: [...enqueued, ...next],
    ...orphans,
    cancelled,
    ...turns,
    cleaned,
    broken,
    released,
    pruned,
  };
}

/** Imports whose file does not come any more end, and their rows go; so do rows of settled ones that nobody needs. */
async function endBrokenImports(ports: TaskPorts): Promise<readonly string[]> {
  const { imports, clock } = ports;
  if (imports === undefined) {
    return [];
  }
  const ended: string[] = [];
  for (const task of (await ports.tasks.find(await imports.findExpired(clock.now(), BATCH))).values()) {
    const end = failedEnd("The file did not come, or not all of it. Nothing was changed.", task.progress);
    if (await settleUnattended(ports, task, end)) {
      await imports.dropRows(task.id, "ALL");
      ended.push(task.id);
    }
  }
  await imports.tidy(BATCH);
  return ended;
}

/** Children that their parent's cancellation has missed. */
async function cancelAbandoned(ports: TaskPorts): Promise<readonly string[]> {
  const abandoned = await ports.tasks.findAbandoned(BATCH);
  for (const { id } of abandoned) {
    await cancelTask(ports, { taskId: id, viewer: ANONYMOUS });
  }
  return idsOf(abandoned);
}

/** @param enqueuedBefore undefined: tasks that were enqueued and not begun are left alone */
async function enqueuePending(
  ports: TaskPorts,
  createdBefore: Date,
  enqueuedBefore: Date | undefined,
): Promise<readonly string[]> {
  const unenqueued = await ports.tasks.findUnenqueued(createdBefore, BATCH);
  const unbegun = enqueuedBefore === undefined ? [] : await ports.tasks.findUnbegun(enqueuedBefore, BATCH);
  const pending = [...unenqueued, ...unbegun];
  if (pending.length > 0) {
    await ports.queue.enqueue(pending.map(dueDelivery));
    await ports.tasks.markEnqueued(idsOf(pending), ports.clock.now());
  }
  return idsOf(unenqueued);
}

/** The queue may still keep the delivery of a postponed task for later, by the clock of another machine. */
function dueDelivery(task: StrandedTask): QueuedTask {
  return task.postponedUntil === undefined ? task : { ...task, occasion: "DUE" };
}

async function rescueOrphans(
  ports: TaskPorts,
  silentSince: Date,
): Promise<Pick<SweepSummary, "rescued" | "cancelled" | "expired" | "paused">> {
  const orphans = await ports.tasks.findOrphans(silentSince, BATCH);
  const tasks = await ports.tasks.find(idsOf(orphans));
  const rescued: StrandedTask[] = [];
  const ended = { cancelled: [] as string[], expired: [] as string[], paused: [] as string[] };
  for (const orphan of orphans) {
    const end = endOf(tasks.get(orphan.id));
    if (end === undefined) {
      rescued.push(orphan);
    } else if (await end.write(ports)) {
      ended[end.kind].push(orphan.id);
    }
  }
  if (rescued.length > 0) {
    await ports.queue.enqueue(rescued);
  }
  return { rescued: idsOf(rescued), ...ended };
}

/** How an orphan ends that is not to run again; undefined where its next attempt goes on. */
function endOf(task: Task | undefined):
  | {
      readonly kind: "cancelled" | "expired" | "paused";
      /** @returns false, with nothing written, where the task changed meanwhile */
      readonly write: (ports: TaskPorts) => Promise<boolean>;
    }
  | undefined {
  if (task === undefined) {
    return undefined;
  }
  if (task.cancelRequestedAt !== null) {
    return { kind: "cancelled", write: (ports) => cancelOrphan(ports, task) };
  }
  if (task.kind === RESERVATION_KIND) {
    return { kind: "expired", write: (ports) => expire(ports, task) };
  }
  return task.pauseRequestedAt === null
    ? undefined
    : { kind: "paused", write: (ports) => pauseOrphan(ports, task) };
}

/** The settlement fences an attempt that may still be running, as a next attempt would. */
function cancelOrphan(ports: TaskPorts, task: Task): Promise<boolean> {
  return settleUnattended(ports, task, (done) => stoppedEnd(task.progress, done));
}

/** No other process can go on with a reservation. */
function expire(ports: TaskPorts, task: Task): Promise<boolean> {
  const end = failedEnd("The process that held the reservation is gone.", task.progress);
  return settleUnattended(ports, task, end);
}

/** The status fences an attempt that may still be running. */
async function pauseOrphan(ports: TaskPorts, { id, attempt, progress }: Task): Promise<boolean> {
  return (await pauseAttempt(ports, { taskId: id, attempt }, progress)).kind === "PAUSED";
}

async function clean(ports: TaskPorts, finishedBefore: Date): Promise<readonly string[]> {
  const cleaned: string[] = [];
  for (const { id } of await ports.tasks.findUncleaned(finishedBefore, BATCH)) {
    if (await cleanTask(ports, id)) {
      cleaned.push(id);
      // The settlement's own announcement may have died with its process.
      await announceChange(ports.bus, id);
    }
  }
  return cleaned;
}

/** Wakes the senders if notifications wait that none of them has heard of. */
async function announceOverdue(
  { outbox, bus }: Pick<TaskPorts, "outbox" | "bus">,
  before: Date,
): Promise<void> {
  const due = await outbox?.nextDue();
  if (due !== undefined && due < before) {
    await publishNotifications(bus, { isInbox: false, isOutbox: true });
  }
}

function idsOf(tasks: readonly StrandedTask[]): readonly string[] {
  return tasks.map(({ id }) => id);
}

/** Ids of the tasks that one pass changed. */
interface SweepSummary {
  /** PENDING, and given to the queue again. */
  readonly enqueued: readonly string[];
  /** Their worker was dead; a next attempt is in the queue. */
  readonly rescued: readonly string[];
  /** Their worker was dead, and a viewer had asked them to stop; or their parent was cancelled. */
  readonly cancelled: readonly string[];
  /** Reservations whose process was dead; their records are free. */
  readonly expired: readonly string[];
  /** Their worker was dead, and a viewer had asked to pause them. */
  readonly paused: readonly string[];
  /** Their blocker is gone; given to the queue. */
  readonly promoted: readonly string[];
  /** Their blocker is gone, and they could not go on: their definition is gone, too, or threw. */
  readonly failed: readonly string[];
  /** Settled, and cleaned by this pass. */
  readonly cleaned: readonly string[];
  /** Imports whose receiver is dead, or that waited for a file in vain; their rows are gone. */
  readonly broken: readonly string[];
  /** Settled or unknown owners whose locks were released. */
  readonly released: readonly string[];
  /** Settled longer ago than the retention, and deleted. */
  readonly pruned: readonly string[];
}

/** A task that a pass left alone. */
interface UntouchedTask {
  readonly taskId: string;
  readonly reason: string;
}

/** Number of tasks that a pass changed. */
export function countSwept(summary: SweepSummary): number {
  return Object.values(summary as unknown as Record<string, readonly string[]>).reduce(
    (sum, ids) => sum + ids.length,
    0,
  );
}

/** The most tasks that one pass deletes. */
const PRUNE_BATCH = 500;

/**
 * Deletes settled, cleaned tasks that are older than their retention, with their history and idempotency keys.
 * @param retentionMs how long a task is kept once it is settled; undefined for ever
 * @returns their ids, the oldest first
 */
async function pruneTasks(
  { tasks, clock }: Pick<TaskPorts, "tasks" | "clock">,
  retentionMs: number | undefined,
): Promise<readonly string[]> {
  return retentionMs === undefined
    ? []
    : tasks.prune(new Date(clock.now().getTime() - retentionMs), PRUNE_BATCH);
}

/** What one pass did, and what it left alone. */
export interface SweepReport {
  readonly summary: SweepSummary & {
    /** Ids of the hooks' calls that a dead process had left, and that were made by this pass: `<task id>:<step>`. */
    readonly hooks: readonly string[];
  };
  /** The live tasks that it did not touch, newest first, and why. */
  readonly leftAlone: readonly UntouchedTask[];
}

/** Sweeps at once, without waiting for a turn, and waits for the hooks that it calls. */
export async function sweepNow(ports: PromoteUnblockedPorts, options: SweepOptions): Promise<SweepReport> {
  const summary = { ...(await sweep(ports, options)), hooks: await repeatHookCalls(ports, options.leaseMs) };
  const { enqueued, rescued, cancelled, expired, paused, promoted, failed } = summary;
  const queued = [...enqueued, ...rescued, ...promoted];
  const touched = new Set([...queued, ...cancelled, ...expired, ...paused, ...failed]);
  const live = await describeLive(ports);
  return { summary, leftAlone: live.filter(({ taskId }) => !touched.has(taskId)) };
}

/** The most live tasks in a report. */
const MAX_DESCRIBED = 1000;

const LIVE = TASK_STATUSES.filter((status) => !isFinal(status));

/** The live tasks, newest first, and why a sweep leaves each of them alone. */
async function describeLive(ports: Pick<TaskPorts, "tasks">): Promise<readonly UntouchedTask[]> {
  const live = await ports.tasks.list({ statuses: LIVE, limit: MAX_DESCRIBED });
  return live.map((task) => ({ taskId: task.id, reason: reasonOf(task) }));
}

function reasonOf(task: Task): string {
  if (task.status === "PENDING") {
    const { postponedUntil: until } = task;
    return until === null ? "It is queued." : `Its next attempt is due at ${until.toISOString()}.`;
  }
  if (task.status === "RECEIVING") {
    return "Its file is coming, or it waits for one.";
  }
  if (task.status === "WAITING") {
    return `It waits for task ${task.blockedBy ?? "?"}.`;
  }
  if (task.status === "PAUSED") {
    return `It is paused since ${task.pausedAt?.toISOString() ?? "?"}.`;
  }
  return `It runs: attempt ${task.attempt}, ${task.progress.processed} of ${task.progress.total ?? "?"} records.`;
}
