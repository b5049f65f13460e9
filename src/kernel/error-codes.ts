/**
 * The closed list of error codes. A client branches on the code, never on the message.
 * `docs/errors.md` documents each of them; a test keeps the two in step.
 */
export const ERROR_CODES = {
  VALIDATION_FAILED: "The input has the right shape and an impossible value.",
  NOT_FOUND: "The record or task does not exist, or the viewer may not see it.",
  UNAUTHENTICATED: "The caller sent no credential, or one that does not hold.",
  FORBIDDEN: "The viewer may not do this, or not read what the operation asks for.",
  CONFLICT: "A running task holds the record or the model.",
  STALE_RECORD: "The record has changed since the caller read it.",
  CONSTRAINT_VIOLATED: "The database refused the change: a unique, foreign key, check or not-null rule.",
  LIMIT_EXCEEDED: "More records match than maxAffected or the service allows.",
  RATE_LIMITED: "The caller has asked for too much in a minute.",
  IDEMPOTENCY_MISMATCH: "The idempotency key was used before with other input.",
  UNAVAILABLE: "A store or queue that the operation needs cannot be reached; nothing was changed.",
  TASK_FAILED: "The handler of a task threw.",
  RECORD_MISSING: "The record was not there any more, or is out of the viewer's scope.",
  ATTEMPT_FENCED: "Another attempt has taken the task over; this one writes nothing more.",
  CANCELLED: "Stopped on request.",
  PAUSED: "The task is paused; a later attempt goes on with it.",
  HANDED_OVER: "The process is stopping; another goes on with the task.",
  TIMED_OUT: "An attempt of a task, or a hook, took longer than is allowed.",
  RECORD_LOCKED: "Another task held the record when this one was launched, or came to need it.",
  TASK_SETTLED: "The task is settled; there is nothing left to cancel, pause or resume.",
  TASK_NOT_PAUSABLE: "The task waits in line for records, or is a reservation, so it cannot be paused.",
  TASK_NOT_PAUSED: "The task is not paused, so it cannot be resumed.",
  SUBSCRIBER_TOO_SLOW:
    "The subscriber fell too far behind; subscribe again with after set to the last cursor.",
  UNKNOWN_KIND: "No task definition of that kind is registered in this process.",
  OUTSIDE_TASK:
    "The function works only inside a running task or a model's hook, and only until that returns.",
  UNKNOWN_MODEL: "No model of that name is exposed.",
  INVALID_CONFIG: "A setting is missing, unknown or out of range.",
  MIGRATION_FAILED: "A database migration could not be applied.",
  START_FAILED: "The service could not start: a port in use, an unreachable database.",
  INTERNAL: "A fault of the service; the details are in its log.",
} as const satisfies Record<string, string>;

/** One of the codes above. */
export type ErrorCode = keyof typeof ERROR_CODES;
