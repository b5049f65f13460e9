import type { ConfiguredSchedule, Schedule, ScheduleOutcome } from "./schedule.ts";

/** The schedules of one process's config, to be kept. */
export interface KeptSchedules {
  /** The process. */
  readonly keeper: string;
  /** Each with its first due time, for the case that it is new or that its times have changed. */
  readonly schedules: readonly (ConfiguredSchedule & { readonly nextRunAt: Date | null })[];
  readonly at: Date;
  /** Schedules that another process has kept since then are left as they are; null: none are. */
  readonly unlessKeptSince: Date | null;
  /** Schedules that no process has kept since then go away. */
  readonly forgottenSince: Date;
}

/** What became of a due time. */
export interface HandledDueTime {
  readonly name: string;
  /** Its `nextRunAt` until now. */
  readonly due: Date;
  readonly nextRunAt: Date | null;
  readonly at: Date;
  /** The launched task. Default: the schedule keeps the one that it has. */
  readonly taskId?: string;
  readonly outcome: ScheduleOutcome;
  readonly message: string | null;
}

/** Where schedules are kept, by name, for all processes. */
export interface ScheduleStore {
  /**
   * Writes the schedules of a process's config. One whose times have changed moves to its new due time, unless it is due
   * already; pauses and results stay.
   */
  keep(kept: KeptSchedules): Promise<void>;
  /** Those of the names that are there, by name. */
  list(names: readonly string[]): Promise<readonly Schedule[]>;
  /**
   * Notes that a launch for a due time begins, and up to when it stands for the due times after it.
   * @returns what was noted first, by whomever; undefined if the schedule has moved on, or is paused
   */
  take(name: string, due: Date, through: Date): Promise<Date | undefined>;
  /** Records what became of a due time, and moves to the next. Does nothing if the schedule has moved on. */
  moveOn(handled: HandledDueTime): Promise<void>;
  /** Records a launch out of turn. */
  recordRun(run: Omit<HandledDueTime, "due" | "nextRunAt">): Promise<void>;
  /** Pauses it, once. @returns the schedule; undefined if there is none */
  pause(name: string, at: Date, by: string | null): Promise<Schedule | undefined>;
  /** Ends the pause; then the schedule is due at `nextRunAt`. One that is not paused stays as it is. */
  resume(name: string, nextRunAt: Date | null): Promise<Schedule | undefined>;
}
