import type { Logger } from "./logger.ts";
import { currentRequest } from "./request-scope.ts";

/** What somebody did, or was refused. Of records, inputs and credentials it has no values. */
export interface AuditEntry {
  readonly action:
    | "launch"
    | "run"
    | "retry"
    | "cancel"
    | "pause"
    | "resume"
    | "write"
    | "export"
    | "file"
    | "document"
    | "query"
    | "mutation"
    | "subscription"
    | "key"
    | "connect";
  /** What became of it: a word such as `launched` or `conflict`. */
  readonly outcome: string;
  /** Why, where the outcome leaves that open: a word such as `revoked`. */
  readonly reason?: string | undefined;
  /** Who; null for an anonymous viewer, and for one that is not known. */
  readonly viewerId: string | null;
  /** The kind of task. */
  readonly kind?: string | undefined;
  readonly model?: string | null | undefined;
  readonly taskId?: string | undefined;
  /** The name of a schedule. */
  readonly schedule?: string | undefined;
  /** The id of the API key that was made, revoked or used. */
  readonly key?: string | undefined;
  /** The request. Default: the one on whose behalf the code runs. */
  readonly requestId?: string;
  /** The address from which it came. Default: that of this request. */
  readonly peer?: string | undefined;
}

/** Writes a line of the audit log. Never throws. */
export type Audit = (entry: AuditEntry) => void;

/** Each line has the field `log` with the value `audit`, by which it can be told from other lines. */
export function createAudit(logger: Pick<Logger, "info">): Audit {
  return (entry) => {
    const { action, outcome, model, taskId, schedule } = entry;
    const names = { model: cut(model), taskId: cut(taskId), schedule: cut(schedule) };
    logger.info({ log: "audit", ...placeOfCaller(), ...entry, ...names }, `${action}: ${outcome}`);
  };
}

/** The most characters of a name that a client may have made up. */
const MAX_NAME_LENGTH = 100;

function cut(name: string | null | undefined): string | null | undefined {
  return name?.slice(0, MAX_NAME_LENGTH) ?? name;
}

function placeOfCaller(): Pick<AuditEntry, "requestId" | "peer"> {
  const request = currentRequest();
  return request === undefined ? {} : { requestId: request.requestId, peer: request.peer };
}
