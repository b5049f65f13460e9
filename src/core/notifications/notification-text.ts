import { counted } from "../../kernel/counted.ts";
import type { Task } from "../tasks/task.ts";
import { isFinal } from "../tasks/task-status.ts";
import type { FinalStatus } from "../tasks/task-status.ts";

/** What a notification says, in plain English. */
export interface NotificationText {
  /** One line: `"Fix populations" succeeded`. */
  readonly title: string;
  /** The counts, and the task's message; one sentence or more, or empty. */
  readonly text: string;
  /** The address of the task's page; null where the service knows none. */
  readonly statusPageUrl: string | null;
}

/** What writing texts needs. */
export interface TextPorts {
  /** A model's name for callers. Default: its own. */
  readonly nameOf?: (model: string) => string;
  /** The address of a task's page; null where the service knows none. */
  readonly statusPageOf: (taskId: string) => string | null;
}

const ENDINGS: Readonly<Record<FinalStatus, string>> = {
  SUCCEEDED: "succeeded",
  PARTIAL: "succeeded in part",
  FAILED: "failed",
  CANCELLED: "was cancelled",
};

/** Describes how a task ended. */
export function describeNotification(ports: TextPorts, task: Task): NotificationText {
  const { status, message } = task;
  const ending = isFinal(status) ? ENDINGS[status] : "has not ended";
  return {
    title: `${nameTask(ports, task)} ${ending}`,
    text: [describeCounts(task), message ?? ""].filter((part) => part !== "").join(" "),
    statusPageUrl: ports.statusPageOf(task.id),
  };
}

function nameTask({ nameOf = (model) => model }: TextPorts, { label, kind, model }: Task): string {
  if (label !== null && label !== "") {
    // A subject is one line.
    return `"${label.replaceAll(/\s+/g, " ")}"`;
  }
  return model === null ? kind : `${kind} of ${nameOf(model)}`;
}

function describeCounts({ progress, isDryRun }: Task): string {
  const { total, processed, succeeded, failed, skipped } = progress;
  if (processed === 0 && total === null) {
    return "";
  }
  const all = total ?? processed;
  const counts = [
    `${succeeded} of ${counted(all, "record")} succeeded`,
    ...unlessZero(failed, "failed"),
    ...unlessZero(skipped, `${was(skipped)} skipped`),
    ...unlessZero(all - processed, `${was(all - processed)} not reached`),
  ];
  return `${isDryRun ? "In a dry run, " : ""}${counts.join(", ")}.`;
}

function unlessZero(count: number, what: string): readonly string[] {
  return count > 0 ? [`${count} ${what}`] : [];
}

function was(count: number): string {
  return count === 1 ? "was" : "were";
}

/**
 * The addresses of tasks' pages.
 * @param pattern an address with `{id}` in it; undefined for none
 */
export function statusPages(pattern: string | undefined): TextPorts["statusPageOf"] {
  return (taskId) => pattern?.replaceAll("{id}", taskId) ?? null;
}
