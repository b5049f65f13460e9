import type { TaskPorts } from "../tasks/settle/task-ports.ts";
import { describeLive } from "./describe-live.ts";
import type { SweepSummary, SweptAround } from "./sweep-summary.ts";
import type { SweepOptions } from "./sweep.ts";
import { sweep } from "./sweep.ts";

/** What one pass did and what it left alone, for whoever asked for it. */
export interface SweepReport {
  readonly summary: SweepSummary;
  /** The live tasks that the pass had nothing to do with, newest first, and why. */
  readonly leftAlone: readonly SweptAround[];
}

/** One pass at once, whosever turn it is; several at a time do no harm. */
export async function sweepNow(ports: TaskPorts, options: SweepOptions): Promise<SweepReport> {
  const summary = await sweep(ports, options);
  const { enqueued, rescued, cancelled, promoted } = summary;
  const touched = new Set([...enqueued, ...rescued, ...cancelled, ...promoted]);
  const live = await describeLive(ports);
  return { summary, leftAlone: live.filter(({ taskId }) => !touched.has(taskId)) };
}
