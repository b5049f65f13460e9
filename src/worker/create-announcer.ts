import { AppError } from "../kernel/app-error.ts";
import type { Clock } from "../kernel/clock.ts";
import { errorFields } from "../kernel/error-fields.ts";
import { createFailureLog } from "../kernel/failure-log.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { BackendName, ProcessRegister, RunningProcess } from "../core/processes/process-register.ts";

export interface AnnouncerOptions {
  readonly register: ProcessRegister;
  readonly process: RunningProcess;
  /** After so long without a word a process counts as gone, in ms. */
  readonly silenceMs: number;
  readonly clock: Clock;
  /** Sets the clock, with each announcement. Default: it is left as it is. */
  readonly followTime?: () => Promise<void>;
  readonly logger: Logger;
  /** Called once when others have moved the deployment to another backend. Default: nothing but the log. */
  readonly onMoved?: ((error: AppError) => void) | undefined;
}

/**
 * Makes the process known to the others as long as it runs. Its start fails where the others use another backend; where
 * they moved to one later, as they may while a process is silent, it is not announced any more: nobody should count on
 * a process whose locks and queue are not the deployment's.
 */
export function createAnnouncer(options: AnnouncerOptions): Service {
  const { register, process, silenceMs, clock, logger, onMoved = () => undefined } = options;
  const { followTime = async () => undefined } = options;
  const failures = createFailureLog(logger, "announcing the process");
  let stopTimer: (() => void) | undefined;
  let announcing = Promise.resolve();
  let isMoved = false;
  const tell = async (): Promise<void> => {
    if (isMoved) {
      return;
    }
    const current = await register.backend();
    if (current === process.backend) {
      await followTime();
      await register.announce(process, clock.now());
      return;
    }
    isMoved = true;
    stopTimer?.();
    const moved = movedError(process, current);
    logger.error(errorFields(moved), "the process is of no use any more");
    onMoved(moved);
  };
  const announce = (): void => {
    // One after the other: one that overtook the withdrawal would call the process back.
    announcing = announcing
      .then(tell)
      .then(failures.worked)
      .catch((error: unknown) => failures.failed(error));
  };
  return createService({
    name: "announcer",
    async start() {
      await followTime();
      const now = clock.now();
      await register.enlist(process, now, new Date(now.getTime() - silenceMs));
      stopTimer = clock.every(Math.ceil(silenceMs / 3), announce);
    },
    async stop() {
      stopTimer?.();
      await announcing;
      await register.withdraw(process.id).catch((error: unknown) => {
        logger.warn(errorFields(error), "the process could not withdraw its announcement");
      });
    },
  });
}

function movedError({ backend }: RunningProcess, current: BackendName): AppError {
  return new AppError(
    "START_FAILED",
    `the deployment has moved its locks and its queue to ${current}, and this process kept them in ${backend}; ` +
      "it has to be started again",
  );
}
