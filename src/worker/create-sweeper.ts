import type { FailureLog } from "../kernel/failure-log.ts";
import { createFailureLog } from "../kernel/failure-log.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { SweepOptions } from "../core/sweeper/sweep.ts";
import { countSwept, sweep } from "../core/sweeper/sweep.ts";
import type { TaskPorts } from "../core/tasks/settle/task-ports.ts";

/** When the sweeper passes, and what it believes. */
export interface SweeperOptions extends SweepOptions {
  /**
   * The chore whose turns are taken: one for each queue, since a process enqueues in its own only, and the turns of
   * processes on another queue must not take those of this one away.
   */
  readonly chore: string;
  /** Time between two passes, in ms, of all processes together. */
  readonly intervalMs: number;
}

/**
 * Sweeps at intervals, one pass at a time, and one process of many at a time. A pass that fails is logged; the next
 * tries again.
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
    // A little early counts: the processes' timers do not tick as one.
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
