import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { SweepOptions } from "../core/sweeper/sweep.ts";
import { sweep } from "../core/sweeper/sweep.ts";
import type { TaskPorts } from "../core/tasks/task-ports.ts";

/** When the sweeper passes, and what it believes. */
export interface SweeperOptions extends SweepOptions {
  /** Time between two passes, in ms. */
  readonly intervalMs: number;
}

/** Sweeps at start and then at intervals, one pass at a time. A pass that fails is logged; the next tries again. */
export function createSweeper(ports: TaskPorts, options: SweeperOptions): Service {
  let stopTimer: (() => void) | undefined;
  let pass: Promise<void> | undefined;
  const run = (): void => {
    pass ??= sweepOnce(ports, options).finally(() => {
      pass = undefined;
    });
  };
  return createService({
    name: "sweeper",
    async start() {
      run();
      stopTimer = ports.clock.every(options.intervalMs, run);
    },
    async stop() {
      stopTimer?.();
      await pass;
    },
  });
}

async function sweepOnce(ports: TaskPorts, options: SweeperOptions): Promise<void> {
  try {
    const summary = await sweep(ports, options);
    if (summary.enqueued.length + summary.rescued.length + summary.cleaned.length > 0) {
      ports.logger.info(summary, "the sweeper found work");
    }
  } catch (error) {
    ports.logger.warn({ err: error }, "a sweep failed; the next pass tries again");
  }
}
