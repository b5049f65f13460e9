import type { Json } from "../../kernel/json.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import type { MissedPolicy, Schedule, ScheduleOutcome } from "../../core/schedules/schedule.ts";
import type { ScheduleStore } from "../../core/schedules/schedule-store.ts";
import type { TaskStatus } from "../../core/tasks/task-status.ts";
import {
  KEEP_SCHEDULES,
  LIST_SCHEDULES,
  MOVE_SCHEDULE_ON,
  PAUSE_SCHEDULE,
  RECORD_SCHEDULE_RUN,
  RESUME_SCHEDULE,
  TAKE_SCHEDULE,
} from "./sql/schedules.ts";

interface ScheduleRow {
  readonly name: string;
  readonly kind: string;
  readonly input: Json;
  readonly cron: string;
  readonly time_zone: string;
  readonly viewer: Viewer;
  readonly missed: MissedPolicy;
  readonly on_conflict: "WAIT" | "REJECT";
  readonly next_run_at: Date | null;
  readonly last_run_at: Date | null;
  readonly last_task_id: string | null;
  readonly last_task_status: TaskStatus | null;
  readonly last_outcome: ScheduleOutcome | null;
  readonly last_message: string | null;
  readonly paused_at: Date | null;
  readonly paused_by: string | null;
}

/** Schedules as rows of `powercrud.schedule`. One statement each. */
export function createPostgresScheduleStore({ session }: { readonly session: SqlSession }): ScheduleStore {
  const one = async (text: string, values: readonly unknown[]): Promise<Schedule | undefined> => {
    const [row] = await session.query<ScheduleRow>(text, values);
    return row === undefined ? undefined : toSchedule(row);
  };
  return {
    async keep({ keeper, schedules, at, unlessKeptSince, forgottenSince }) {
      const given = JSON.stringify(schedules);
      await session.query(KEEP_SCHEDULES, [given, keeper, at, unlessKeptSince, forgottenSince]);
    },
    list: async (names) => (await session.query<ScheduleRow>(LIST_SCHEDULES, [names])).map(toSchedule),
    async take(name, due, through) {
      const [row] = await session.query<{ run_through: Date }>(TAKE_SCHEDULE, [name, due, through]);
      return row?.run_through;
    },
    async moveOn({ name, due, nextRunAt, at, taskId = null, outcome, message }) {
      await session.query(MOVE_SCHEDULE_ON, [name, due, nextRunAt, at, taskId, outcome, message]);
    },
    async recordRun({ name, at, taskId = null, outcome, message }) {
      await session.query(RECORD_SCHEDULE_RUN, [name, at, taskId, outcome, message]);
    },
    pause: (name, at, by) => one(PAUSE_SCHEDULE, [name, at, by]),
    resume: (name, nextRunAt) => one(RESUME_SCHEDULE, [name, nextRunAt]),
  };
}

function toSchedule(row: ScheduleRow): Schedule {
  return {
    name: row.name,
    kind: row.kind,
    input: row.input,
    cron: row.cron,
    timeZone: row.time_zone,
    viewer: row.viewer,
    missed: row.missed,
    onConflict: row.on_conflict,
    nextRunAt: row.next_run_at,
    lastRunAt: row.last_run_at,
    lastTaskId: row.last_task_id,
    lastTaskStatus: row.last_task_status,
    lastOutcome: row.last_outcome,
    lastMessage: row.last_message,
    pausedAt: row.paused_at,
    pausedBy: row.paused_by,
  };
}
