import type { Logger } from "./logger.ts";

/** What somebody did, or was refused. Of records and inputs it has no values. */
export interface AuditEntry {
  readonly action: "launch" | "retry" | "cancel" | "pause" | "resume" | "write" | "key" | "connect";
  /** What became of it: a word such as `launched` or `conflict`. */
  readonly outcome: string;
  /** Who; null for an anonymous viewer. */
  readonly viewerId: string | null;
  /** The kind of task. */
  readonly kind?: string | undefined;
  readonly model?: string | null | undefined;
  readonly taskId?: string | undefined;
  /** The id, or the prefix, of the key that was made or revoked. */
  readonly key?: string | undefined;
}

/** Writes a line of the audit log. Never throws. */
export type Audit = (entry: AuditEntry) => void;

/** Each line has the field `log` with the value `audit`, by which it can be told from other lines. */
export function createAudit(logger: Pick<Logger, "info">): Audit {
  return (entry) => logger.info({ log: "audit", ...entry }, `${entry.action}: ${entry.outcome}`);
}
