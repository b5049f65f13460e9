import type { Json } from "../../kernel/json.ts";
import type { MembersOf, MembersShape } from "../../kernel/shape.ts";
import type { Viewer } from "../access/viewer.ts";
import type { DefinedTask } from "../tasks/define-task.ts";
import type { TaskStatus } from "../tasks/task-status.ts";

/** What becomes of due times that no process was there for: one launch for all of them, or none. */
export type MissedPolicy = "ONCE" | "SKIP";

/** One of the `schedules` of a config. */
export interface ScheduleOptions {
  /** Unique: letters, digits, `.`, `_` and `-`, at most 100. */
  readonly name: string;
  /**
   * When, as a cron expression with five parts, with six (seconds first) or with seven (and years last), or a nickname such
   * as `@daily`.
   */
  readonly cron: string;
  /** The IANA name of the time zone that the expression is read in, such as `Europe/Paris`. Default: UTC. */
  readonly timeZone?: string;
  /** One of the config's `tasks`. */
  readonly task: DefinedTask;
  /** The task's input. Default: null. */
  readonly input?: unknown;
  /** Who launches it. Default: a viewer with the id `schedule:<name>`. */
  readonly viewer?: Viewer;
  /** Default: ONCE. */
  readonly missed?: MissedPolicy;
  /** Whether the task stands in line for records that another one holds, or is not launched then. Default: WAIT. */
  readonly onConflict?: "WAIT" | "REJECT";
}

/** What one of the `schedules` must look like. */
export const SCHEDULE_OPTIONS_SHAPE = {
  kind: "MEMBERS",
  members: {
    name: { kind: "TEXT" },
    cron: { kind: "TEXT" },
    timeZone: { kind: "TEXT" },
    task: { kind: "ANY" },
    input: { kind: "ANY" },
    viewer: { kind: "ANY" },
    missed: { kind: "WORD", words: ["ONCE", "SKIP"], what: "a policy for missed due times" },
    onConflict: { kind: "WORD", words: ["WAIT", "REJECT"], what: "a policy for conflicts of schedules" },
  } satisfies MembersOf<ScheduleOptions>,
  required: ["name", "cron", "task"],
} as const satisfies MembersShape;

/** A schedule as a process's config has it, checked and complete. */
export interface ConfiguredSchedule {
  readonly name: string;
  readonly kind: string;
  readonly input: Json;
  readonly cron: string;
  readonly timeZone: string;
  readonly viewer: Viewer;
  readonly missed: MissedPolicy;
  readonly onConflict: "WAIT" | "REJECT";
}

/**
 * What became of the latest launch: LAUNCHED; REFUSED, for example because of a conflict; SKIPPED, because the due times
 * were missed or an earlier task still stands in line; UNAVAILABLE: it is tried again until it works.
 */
export type ScheduleOutcome = "LAUNCHED" | "REFUSED" | "SKIPPED" | "UNAVAILABLE";

/** A schedule, and what became of it. */
export interface Schedule extends ConfiguredSchedule {
  /** The earliest due time that was not launched yet; null after the last one. */
  readonly nextRunAt: Date | null;
  /** When the latest launch was made or refused; null before the first. */
  readonly lastRunAt: Date | null;
  /** The latest task that it launched; null if there was none, or none is kept. */
  readonly lastTaskId: string | null;
  readonly lastTaskStatus: TaskStatus | null;
  readonly lastOutcome: ScheduleOutcome | null;
  /** Why the latest launch was refused or skipped. */
  readonly lastMessage: string | null;
  /** Since when it launches nothing; null while it does. */
  readonly pausedAt: Date | null;
  /** The id of the viewer who paused it. */
  readonly pausedBy: string | null;
}
