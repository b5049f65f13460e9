import type { FailureLog } from "../kernel/logger.ts";
import { createFailureLog } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { PromoteUnblockedPorts } from "../core/sweeper/promote-unblocked.ts";
import type { SweepOptions } from "../core/sweeper/sweep.ts";
import { countSwept, sweep } from "../core/sweeper/sweep.ts";
import { repeatHookCalls } from "../core/tasks/settle/final-hooks.ts";
import type { TaskPorts } from "../core/tasks/settle/task-ports.ts";

/** The interval of the passes, and the options of each. */
export interface SweeperOptions extends SweepOptions {
  /**
   * The name of the chore that processes take turns at, one per queue. A process enqueues only in its own queue, so processes
   * with another queue must not take its turns.
   */
  readonly chore: string;
  /** Told of each pass, with what it found. */
  readonly onSwept?: (summary: Awaited<ReturnType<typeof sweep>>) => void;
  /** Time between two passes of all processes together, in ms. */
  readonly intervalMs: number;
}

/**
 * Sweeps at intervals: one pass at a time, in one process at a time. A failed pass is logged, and the next one tries again.
 * The hooks that dead processes did not call are called beside the passes: a hook that hangs must not keep tasks from being
 * rescued.
 */
export function createSweeper(ports: PromoteUnblockedPorts, options: SweeperOptions): Service {
  let stopTimer: (() => void) | undefined;
  let pass: Promise<void> | undefined;
  let hooks: Promise<void> | undefined;
  const failures = createFailureLog(ports.logger, "a sweep");
  const hookFailures = createFailureLog(ports.logger, "calling the hooks that were left");
  const sweepOnce = async (): Promise<void> => {
    if (await sweepInTurn(ports, options, failures)) {
      // Not awaited: a slow hook delays no pass.
      hooks ??= repeatHooks(ports, options, hookFailures).finally(() => {
        hooks = undefined;
      });
    }
  };
  const run = (): void => {
    pass ??= sweepOnce().finally(() => {
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
      await hooks;
    },
  });
}

/** @returns whether it was this process's turn */
async function sweepInTurn(
  ports: PromoteUnblockedPorts,
  options: SweeperOptions,
  failures: FailureLog,
): Promise<boolean> {
  try {
    // A little less than the interval, since the processes' timers are not synchronized.
    const isOurs = await ports.tasks.takeTurn(options.chore, ports.clock.now(), options.intervalMs * 0.9);
    if (!isOurs) {
      return false;
    }
    const summary = await sweep(ports, options);
    failures.worked();
    options.onSwept?.(summary);
    if (countSwept(summary) > 0) {
      ports.logger.info(summary, "the sweeper found work");
    }
    return true;
  } catch (error) {
    failures.failed(error);
    return false;
  }
}

async function repeatHooks(
  ports: TaskPorts,
  { leaseMs }: SweeperOptions,
  failures: FailureLog,
): Promise<void> {
  try {
    const calls = await repeatHookCalls(ports, leaseMs);
    failures.worked();
    if (calls.length > 0) {
      ports.logger.info({ calls }, "hooks were called in the place of dead processes");
    }
  } catch (error) {
    failures.failed(error);
  }
}
