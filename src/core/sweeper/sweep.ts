import { encodeAnnouncement, TASK_TOPIC } from "../events/task-announcement.ts";
import { cleanTask } from "../tasks/clean-task.ts";
import type { TaskPorts } from "../tasks/task-ports.ts";

/** How long things may look stranded before the sweeper believes it, in ms. */
export interface SweepOptions {
  /** A launch enqueues right after its commit; older ones were left behind. */
  readonly enqueueGraceMs: number;
  /** A delivery may be lost; enqueueing a task again that still waits its turn does nothing. */
  readonly beginGraceMs: number;
  /** An attempt silent for longer is orphaned. */
  readonly leaseMs: number;
  /** A settled task is cleaned at once; older ones were left behind. */
  readonly cleanGraceMs: number;
}

/** What one pass did. */
export interface SweepSummary {
  readonly enqueued: readonly string[];
  readonly rescued: readonly string[];
  readonly cleaned: readonly string[];
}

/** The most tasks of each sort that one pass looks after; the next pass takes the rest. */
const BATCH = 500;

/**
 * One pass over what a crash can leave behind: tasks committed but never enqueued, attempts whose worker died,
 * and settled tasks that were not cleaned. Idempotent; several at once do no harm, since the queue does not
 * double an attempt and of two deliveries one begins.
 */
export async function sweep(
  ports: Pick<TaskPorts, "unitOfWork" | "tasks" | "log" | "bus" | "locks" | "queue" | "clock">,
  options: SweepOptions,
): Promise<SweepSummary> {
  const ago = (ms: number): Date => new Date(ports.clock.now().getTime() - ms);
  const unenqueued = await ports.tasks.findUnenqueued(ago(options.enqueueGraceMs), BATCH);
  const unbegun = await ports.tasks.findUnbegun(ago(options.beginGraceMs), BATCH);
  const orphans = await ports.tasks.findOrphans(ago(options.leaseMs), BATCH);
  const pending = [...unenqueued, ...unbegun];
  if (pending.length + orphans.length > 0) {
    await ports.queue.enqueue([...pending, ...orphans]);
    await ports.tasks.markEnqueued(
      pending.map((task) => task.id),
      ports.clock.now(),
    );
  }
  const cleaned: string[] = [];
  for (const { id } of await ports.tasks.findUncleaned(ago(options.cleanGraceMs), BATCH)) {
    if (await cleanTask(ports, id)) {
      cleaned.push(id);
      // The settlement's own announcement may have died with its process.
      await ports.bus.publish(TASK_TOPIC, encodeAnnouncement({ kind: "LIFECYCLE", taskId: id }));
    }
  }
  return { enqueued: unenqueued.map((task) => task.id), rescued: orphans.map((task) => task.id), cleaned };
}
