import { taskOfCaller } from "../core/tasks/run/task-context.ts";
import type { Logger } from "../kernel/logger.ts";
import { currentRequest } from "../kernel/request-scope.ts";

/** The same logger, with the ids of the request, the task and the viewer that the caller works for on each line. */
export function scopedLogger(logger: Logger): Logger {
  return {
    debug: (fields, message) => logger.debug({ ...idsOfCaller(), ...fields }, message),
    info: (fields, message) => logger.info({ ...idsOfCaller(), ...fields }, message),
    warn: (fields, message) => logger.warn({ ...idsOfCaller(), ...fields }, message),
    error: (fields, message) => logger.error({ ...idsOfCaller(), ...fields }, message),
  };
}

function idsOfCaller(): object {
  const request = currentRequest();
  const task = taskOfCaller();
  return {
    ...(request === undefined ? {} : { requestId: request.requestId, viewerId: request.viewerId }),
    ...(task === undefined ? {} : { taskId: task.id, viewerId: task.viewer.id }),
  };
}
