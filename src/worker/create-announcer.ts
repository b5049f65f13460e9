import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import { createFailureLog, errorFields } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { ProcessRegister, RunningProcess } from "../core/processes/process-register.ts";

export interface AnnouncerOptions {
  readonly register: ProcessRegister;
  readonly process: RunningProcess;
  /** A process counts as gone after this time without an announcement, in ms. */
  readonly silenceMs: number;
  readonly clock: Clock;
  /** Called before each announcement, to set the clock. Default: the clock is not changed. */
  readonly followTime?: () => Promise<void>;
  readonly logger: Logger;
}

/** Lists the process in the register of running processes while it runs. */
export function createAnnouncer(options: AnnouncerOptions): Service {
  const { register, process, silenceMs, clock, logger, followTime = async () => undefined } = options;
  const failures = createFailureLog(logger, "announcing the process");
  let stopTimer: (() => void) | undefined;
  let announcing = Promise.resolve();
  const announce = (): void => {
    // One after the other: an announcement after the withdrawal would list the process again.
    announcing = announcing
      .then(followTime)
      .then(() => register.announce(process, clock.now()))
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
