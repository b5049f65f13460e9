import type { FailureLog } from "../kernel/logger.ts";
import { createFailureLog } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { SweepOptions } from "../core/sweeper/sweep.ts";
import { countSwept, sweep } from "../core/sweeper/sweep.ts";
import type { TaskPorts } from "../core/tasks/settle/task-ports.ts";

/** The interval of the passes, and the options of each. */
export interface SweeperOptions extends SweepOptions {
  /**
   * The name of the chore that processes take turns at, one per queue. A process enqueues only in its own queue, so processes
   * with another queue must not take its turns.
   */
  readonly chore: string;
  /** Time between two passes of all processes together, in ms. */
  readonly intervalMs: number;
}

/**
 * Sweeps at intervals: one pass at a time, in one process at a time. A failed pass is logged, and the next one tries again.
 */
export function createSweeper(ports: TaskPorts, options: SweeperOptions): Service {
  let stopTimer: (() => void) | undefined;
  let pass: Promise<void> | undefined;
  const failures = createFailureLog(ports.logger, "a sweep");
  const run = (): void => {
    pass ??= sweepInTurn(ports, options, failures).finally(() => {
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

async function sweepInTurn(ports: TaskPorts, options: SweeperOptions, failures: FailureLog): Promise<void> {
  try {
    // A little less than the interval, since the processes' timers are not synchronized.
    const isOurs = await ports.tasks.takeTurn(options.chore, ports.clock.now(), options.intervalMs * 0.9);
    if (!isOurs) {
      return;
    }
    const summary = await sweep(ports, options);
    failures.worked();
    if (countSwept(summary) > 0) {
      ports.logger.info(summary, "the sweeper found work");
    }
  } catch (error) {
    failures.failed(error);
  }
}
