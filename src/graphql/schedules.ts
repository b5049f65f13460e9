import type { ScheduleChange, ScheduleRequest, Schedules } from "../core/schedules/schedules.ts";
import type { Schedule } from "../core/schedules/schedule.ts";
import { refusalTypeOf } from "../core/refusals/refusals.ts";
import type { Viewer } from "../core/access/viewer.ts";
import { ALL_SEEN, isWithin } from "../core/tasks/task-sight.ts";
import type { TaskStore } from "../core/tasks/task-store.ts";
import type { SchemaContext, SchemaContributor } from "./builder.ts";
import { createSeenLoader } from "./tasks/find-task.ts";

/** What the schedules' part of the schema calls. */
export interface ScheduleSchemaPorts {
  readonly schedules: Schedules;
  readonly tasks: Pick<TaskStore, "find">;
  /** A cron expression in English. */
  readonly inWords: (cron: string) => string;
}

/** The query `schedules`, the mutations `runSchedule`, `pauseSchedule` and `resumeSchedule`, and their types. */
export function addSchedules(ports: ScheduleSchemaPorts): SchemaContributor {
  return (schema) => {
    const schedule = defineSchedule(schema, ports);
    const result = defineResult(schema, schedule);
    const { builder, refs } = schema;
    builder.objectFields(refs.task, (t) => ({
      schedule: t.exposeString("schedule", {
        nullable: true,
        description: "The name of the schedule that launched it.",
      }),
    }));
    builder.queryField("schedules", (t) =>
      t.field({
        type: [schedule],
        description: "The schedules of the config, by name.",
        resolve: async () => [...(await ports.schedules.list())],
      }),
    );
    builder.mutationField("runSchedule", (t) =>
      t.field({
        type: refs.launchResult,
        description:
          "Launches a schedule's task now, as the caller; also while the schedule is paused. Its due times stay as they are.",
        args: { name: t.arg.string({ required: true }) },
        resolve: (_root, { name }, { viewer }) => ports.schedules.run({ name, viewer }),
      }),
    );
    const addChange = (
      name: string,
      description: string,
      change: (request: ScheduleRequest) => Promise<ScheduleChange>,
    ): void => {
      builder.mutationField(name, (t) =>
        t.field({
          type: result,
          description,
          args: { name: t.arg.string({ required: true }) },
          resolve: (_root, args, { viewer }) => change({ name: args.name, viewer }),
        }),
      );
    };
    addChange(
      "pauseSchedule",
      "Stops a schedule: it launches nothing until it is resumed. Pausing twice does no harm.",
      ports.schedules.pause,
    );
    addChange(
      "resumeSchedule",
      "Ends the pause of a schedule. It launches again from its next due time on; what was due meanwhile is not launched.",
      ports.schedules.resume,
    );
  };
}

function defineScheduleWords(builder: SchemaContext["builder"]) {
  const missed = builder.enumType("MissedDueTimes", {
    description: "What becomes of due times that no process was there for.",
    values: { ONCE: { description: "One launch for all of them." }, SKIP: { description: "None." } } as const,
  });
  const outcome = builder.enumType("ScheduleOutcome", {
    description: "What became of a schedule's latest launch.",
    values: {
      LAUNCHED: { description: "It launched a task." },
      REFUSED: { description: "For example because of a conflict; the message says why." },
      SKIPPED: {
        description: "Its due times were missed, or the task of an earlier one still stands in line.",
      },
      UNAVAILABLE: { description: "A store is out of reach. It is tried again until it works." },
    } as const,
  });
  return { missed, outcome };
}

function defineSchedule(
  { builder, refs, sight = ALL_SEEN }: SchemaContext,
  { tasks, inWords }: ScheduleSchemaPorts,
) {
  const taskOf = createSeenLoader({ sight, tasks });
  /** Whether the viewer sees the tasks that it launches by itself. */
  const isSeen = ({ viewer: launcher, kind }: Schedule, viewer: Viewer): boolean =>
    isWithin(sight.scopeOf(viewer), { viewer: launcher, kind, model: null });
  const { missed, outcome } = defineScheduleWords(builder);
  return builder.objectRef<Schedule>("Schedule").implement({
    description: "Launches a task of a kind again and again, at due times.",
    fields: (t) => ({
      name: t.exposeString("name"),
      kind: t.exposeString("kind", { description: "The kind of its tasks." }),
      input: t.field({
        type: "JSON",
        nullable: true,
        description: "The input of its tasks; null for a caller who may not see them.",
        resolve: (schedule, _args, { viewer }) => (isSeen(schedule, viewer) ? schedule.input : null),
      }),
      cron: t.exposeString("cron", { description: "Its due times as a cron expression." }),
      cronInWords: t.string({
        description: "The expression in English, such as `At 03:00`.",
        resolve: ({ cron }) => inWords(cron),
      }),
      timeZone: t.exposeString("timeZone", { description: "The time zone that the expression is read in." }),
      missed: t.expose("missed", { type: missed }),
      nextRunAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "Its next due time; null while it is paused, and after its last one.",
        resolve: ({ nextRunAt, pausedAt }) => (pausedAt === null ? nextRunAt : null),
      }),
      lastRunAt: t.expose("lastRunAt", {
        type: "DateTime",
        nullable: true,
        description: "When its latest launch was made, refused or skipped; also one by `runSchedule`.",
      }),
      lastTask: t.field({
        type: refs.task,
        nullable: true,
        description: "The latest task that it launched.",
        resolve: async ({ lastTaskId }, _args, context) =>
          lastTaskId === null ? null : await taskOf(context, lastTaskId),
      }),
      lastOutcome: t.expose("lastOutcome", { type: outcome, nullable: true }),
      lastMessage: t.string({
        nullable: true,
        description:
          "Why its latest launch was refused or skipped; null for a caller who may not see its tasks.",
        resolve: (schedule, _args, { viewer }) => (isSeen(schedule, viewer) ? schedule.lastMessage : null),
      }),
      isPaused: t.boolean({ resolve: ({ pausedAt }) => pausedAt !== null }),
      pausedAt: t.expose("pausedAt", { type: "DateTime", nullable: true }),
      pausedBy: t.exposeID("pausedBy", { nullable: true, description: "Who paused it." }),
    }),
  });
}

type Changed = Extract<ScheduleChange, { kind: "CHANGED" }>;

function defineResult({ builder, refs }: SchemaContext, schedule: ReturnType<typeof defineSchedule>) {
  const changed = builder.objectRef<Changed>("ScheduleChanged").implement({
    description: "The schedule as it is now.",
    fields: (t) => ({ schedule: t.expose("schedule", { type: schedule }) }),
  });
  return builder.unionType("ScheduleResult", {
    description: "The schedule, or why it was not changed.",
    types: [changed, refs.notFoundError, refs.forbiddenError, refs.unavailableError],
    resolveType: ({ kind }) => (kind === "CHANGED" ? "ScheduleChanged" : refusalTypeOf(kind)),
  });
}
