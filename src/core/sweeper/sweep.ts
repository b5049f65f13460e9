import { encodeAnnouncement, TASK_TOPIC } from "../events/task-announcement.ts";
import { stoppedEnd } from "../tasks/attempt-end.ts";
import { cleanTask } from "../tasks/clean-task.ts";
import { retryWaiting } from "../tasks/promote-waiting.ts";
import { settleUnattended } from "../tasks/settle-unattended.ts";
import type { TaskPorts } from "../tasks/task-ports.ts";
import type { StrandedTask } from "../tasks/task-store.ts";
import type { Task } from "../tasks/task.ts";
import { pruneTasks } from "./prune-tasks.ts";
import type { SweepSummary } from "./sweep-summary.ts";

/** How long things may look stranded before the sweeper believes it, in ms. */
export interface SweepOptions {
  /** A launch enqueues right after its commit; older ones were left behind. */
  readonly enqueueGraceMs: number;
  /** A delivery may be lost; enqueueing a task again that still waits its turn does nothing. */
  readonly beginGraceMs: number;
  /**
   * Whether a worker reads this process's queue. If none does, tasks that were enqueued and not begun are left to the
   * processes whose queue is read. Default: yes.
   */
  readonly isQueueRead?: () => Promise<boolean>;
  /** An attempt silent for longer is orphaned. */
  readonly leaseMs: number;
  /** A settled task is cleaned at once; older ones were left behind. */
  readonly cleanGraceMs: number;
  /** A settled task is deleted when it is older. Left out: never. */
  readonly retentionMs?: number;
}

/** The most tasks of each sort that one pass looks after; the next pass takes the rest. */
const BATCH = 500;

/**
 * One pass over what a crash can leave behind: tasks committed but never enqueued, attempts whose worker died, tasks
 * that wait for nobody, settled tasks that were not cleaned, and locks of nobody; and it deletes the old. Idempotent; several at once do no
 * harm, since the queue does not double an attempt and of two deliveries one begins. What lives is not touched.
 */
export async function sweep(ports: TaskPorts, options: SweepOptions): Promise<SweepSummary> {
  const ago = (ms: number): Date => new Date(ports.clock.now().getTime() - ms);
  const isQueueRead = (await options.isQueueRead?.()) ?? true;
  const enqueuedBefore = isQueueRead ? ago(options.beginGraceMs) : undefined;
  const enqueued = await enqueuePending(ports, ago(options.enqueueGraceMs), enqueuedBefore);
  const orphans = await lookAfterOrphans(ports, ago(options.leaseMs));
  const promoted = await promote(ports);
  const cleaned = await clean(ports, ago(options.cleanGraceMs));
  const released = await ports.locks.releaseOrphans();
  const pruned = await pruneTasks(ports, options.retentionMs);
  return { enqueued, ...orphans, promoted, cleaned, released, pruned };
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
    await ports.queue.enqueue(pending);
    await ports.tasks.markEnqueued(idsOf(pending), ports.clock.now());
  }
  return idsOf(unenqueued);
}

async function lookAfterOrphans(
  ports: TaskPorts,
  silentSince: Date,
): Promise<Pick<SweepSummary, "rescued" | "cancelled">> {
  const orphans = await ports.tasks.findOrphans(silentSince, BATCH);
  const tasks = await ports.tasks.find(idsOf(orphans));
  const rescued: StrandedTask[] = [];
  const cancelled: string[] = [];
  for (const orphan of orphans) {
    const task = tasks.get(orphan.id);
    if (task?.cancelRequestedAt == null) {
      rescued.push(orphan);
    } else if (await cancelOrphan(ports, task)) {
      cancelled.push(orphan.id);
    }
  }
  if (rescued.length > 0) {
    await ports.queue.enqueue(rescued);
  }
  return { rescued: idsOf(rescued), cancelled };
}

/** The settlement fences whatever may still be running, as a next attempt would. */
function cancelOrphan(ports: TaskPorts, task: Task): Promise<boolean> {
  return settleUnattended(ports, task, (done) => stoppedEnd(task.progress, done));
}

async function promote(ports: TaskPorts): Promise<readonly string[]> {
  const promoted: string[] = [];
  for (const waiting of await ports.tasks.findWaitingForNobody(BATCH)) {
    if (await retryWaiting(ports, waiting)) {
      promoted.push(waiting.id);
    }
  }
  return promoted;
}

async function clean(ports: TaskPorts, finishedBefore: Date): Promise<readonly string[]> {
  const cleaned: string[] = [];
  for (const { id } of await ports.tasks.findUncleaned(finishedBefore, BATCH)) {
    if (await cleanTask(ports, id)) {
      cleaned.push(id);
      // The settlement's own announcement may have died with its process.
      await ports.bus.publish(TASK_TOPIC, encodeAnnouncement({ kind: "LIFECYCLE", taskId: id }));
    }
  }
  return cleaned;
}

function idsOf(tasks: readonly StrandedTask[]): readonly string[] {
  return tasks.map(({ id }) => id);
}
