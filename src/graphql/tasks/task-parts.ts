import type { FeedItem } from "../../core/events/feed-item.ts";
import type { TaskEventType } from "../../core/events/task-event.ts";
import type { Progress } from "../../core/tasks/progress.ts";
import { ALL_SEEN } from "../../core/tasks/task-sight.ts";
import type { TaskError } from "../../core/tasks/task-error.ts";
import type { RecordOutcome } from "../../core/tasks/task-results.ts";
import type { NamedRecord } from "../../core/tasks/task-reads.ts";
import type { TaskStatus } from "../../core/tasks/task-status.ts";
import { canonicalRecordId } from "../../core/records/record-key.ts";
import type { ErrorCode } from "../../kernel/error-codes.ts";
import { ERROR_CODES } from "../../kernel/error-codes.ts";
import type { ListedRecord, SchemaContext } from "../builder.ts";
import { describedValues } from "../builder.ts";
import { idsOf } from "../record-ids.ts";

/** The types of a task's parts. */
export type TaskParts = ReturnType<typeof defineTaskParts>;

/** Defines `TaskStatus`, `TaskEventType`, `TaskProgress`, `TaskError` and `TaskEvent`. */
// eslint-disable-next-line typescript/explicit-module-boundary-types -- Pothos' refs are best inferred
export function defineTaskParts(schema: SchemaContext) {
  const progress = defineProgress(schema);
  return {
    progress,
    status: schema.builder.enumType("TaskStatus", {
      description: "The state of a task. SUCCEEDED, PARTIAL, FAILED and CANCELLED are final.",
      values: describedValues<TaskStatus>({
        RECEIVING: "The rows of an import are coming in.",
        PENDING: "In the queue, or about to be tried again.",
        WAITING: "Stands in line for records that other tasks hold.",
        RUNNING: "A worker is at it.",
        PAUSED: "Stopped until it is resumed; its records stay locked.",
        SUCCEEDED: "All is done; skipped records do not count.",
        PARTIAL: "Some records failed, the others are written.",
        FAILED: "It was given up; the message says why.",
        CANCELLED: "It was stopped on request.",
      }),
    }),
    ...defineEvent(schema, progress),
    error: defineError(schema),
    ...defineRecord(schema),
    recordReference: defineReference(schema),
  };
}

/** A record as callers name it. */
export interface RecordReference {
  readonly model: string;
  readonly id: string;
}

function defineReference({ builder, refs }: SchemaContext) {
  return builder.inputType("RecordReference", {
    description: "A record of any model.",
    fields: (t) => ({
      model: t.field({ type: refs.modelName, required: true }),
      id: t.id({ required: true, ...idsOf(({ model }: RecordReference) => model) }),
    }),
  });
}

/** The record with its canonical id. @throws AppError VALIDATION_FAILED for an id that the model cannot have */
export function readReference({ models }: SchemaContext, { model, id }: RecordReference): NamedRecord {
  return { model, id: canonicalRecordId(models.get(model), id) };
}

/** Progress with an id, by which a client's cache recognises it. */
interface KnownProgress extends Progress {
  readonly id: string;
}

/**
 * The progress of a task, or of the event that the suffix names. The id is unlike the task's: some caches know records by
 * the id alone. An event's own is unlike the task's progress, too: a replayed event must not turn that back.
 */
export function knownProgress(progress: Progress, taskId: string, suffix = ""): KnownProgress {
  return { ...progress, id: `TaskProgress:${taskId}${suffix}` };
}

function defineProgress({ builder }: SchemaContext) {
  const progress = builder.objectRef<KnownProgress>("TaskProgress");
  progress.implement({
    description: "The progress of a task. Within an attempt the counts never fall.",
    fields: (t) => ({
      id: t.exposeID("id", {
        description:
          "For clients' caches: selected everywhere, it lets them merge what several documents select of the progress.",
      }),
      total: t.exposeInt("total", {
        nullable: true,
        description: "Records in all; null where it is not known.",
      }),
      processed: t.exposeInt("processed", { description: "succeeded + failed + skipped" }),
      succeeded: t.exposeInt("succeeded"),
      failed: t.exposeInt("failed"),
      skipped: t.exposeInt("skipped", { description: "Missing, out of scope, or held by another task." }),
      percent: t.exposeFloat("percent", { nullable: true, description: "0 to 100." }),
      recordsPerSecond: t.exposeFloat("recordsPerSecond", { nullable: true }),
      etaMs: t.exposeFloat("etaMs", { nullable: true, description: "The time left, in milliseconds." }),
      message: t.exposeString("message", { nullable: true }),
    }),
  });
  return progress;
}

/** An error with the model of its record: the task's, unless the error names another. */
export interface ListedError extends Omit<TaskError, "model"> {
  readonly model: string | null;
}

function defineError({ builder, refs, models }: SchemaContext) {
  const outcome = builder.enumType("TaskErrorOutcome", {
    description: "Whether a record was tried.",
    values: {
      FAILED: { description: "The record was tried and could not be written." },
      SKIPPED: { description: "The record was left out." },
    } as const,
  });
  const error = builder.objectRef<ListedError>("TaskError");
  error.implement({
    description: "A record that a task did not change, and why.",
    fields: (t) => ({
      recordId: t.exposeID("recordId", {
        nullable: true,
        description: "Null where the problem is not one record's.",
        ...idsOf(({ model }: ListedError) => model),
      }),
      model: t.field({
        type: refs.modelName,
        nullable: true,
        description:
          "The model of the record: nearly always the task's. Another one where the task needed a record that another task holds.",
        resolve: ({ model }) => (models.all().some(({ name }) => name === model) ? model : null),
      }),
      index: t.int({
        nullable: true,
        description:
          "The record's place in the list of records that the launch gave, from 0; null where it gave a selection.",
        resolve: ({ index }) => index,
      }),
      outcome: t.expose("outcome", { type: outcome }),
      field: t.exposeString("field", { nullable: true, description: "The field at fault." }),
      code: t.field({ type: refs.errorCode, resolve: ({ code }) => knownCode(code) }),
      message: t.exposeString("message"),
    }),
  });
  return error;
}

function defineRecord({ builder, refs }: SchemaContext) {
  const recordOutcome = builder.enumType("RecordOutcome", {
    description: "What became of a task's record; in a dry run, what would have.",
    values: describedValues<RecordOutcome>({
      SUCCEEDED: "It was written.",
      FAILED: "It was tried and could not be written.",
      SKIPPED: "It was left out.",
      UNPROCESSED: "The task did not reach it, or took its change back.",
    }),
  });
  refs.taskRecord.implement({
    description: "One of a task's records, and what became of it.",
    fields: (t) => ({
      recordId: t.exposeID("id", {
        ...idsOf(({ model }: ListedRecord) => model),
        description: "Its id; of a record that was named by a key and not written, its name.",
        ...idsOf(({ model }: ListedRecord) => model),
      }),
      outcome: t.expose("outcome", { type: recordOutcome }),
      code: t.field({
        type: refs.errorCode,
        nullable: true,
        description: "Why it failed or was skipped; of several errors the first.",
        resolve: ({ code }) => (code === undefined ? null : knownCode(code)),
      }),
      message: t.string({ nullable: true, resolve: ({ message }) => message }),
    }),
  });
  return { recordOutcome };
}

function defineEvent(
  { builder, refs, sight = ALL_SEEN }: SchemaContext,
  progress: ReturnType<typeof defineProgress>,
) {
  const eventType = builder.enumType("TaskEventType", {
    description: "What happened. CREATE comes first, CLEANUP last; PROGRESS is not kept in the log.",
    values: describedValues<TaskEventType>({
      CREATE: "It was launched.",
      START: "An attempt begins.",
      PROGRESS: "Its counts or its message changed.",
      POSTPONE: "An attempt failed; the next one begins later.",
      PAUSE: "It is paused.",
      RESUME: "It goes on.",
      COMPLETE: "It ended: SUCCEEDED or PARTIAL.",
      FAIL: "It ended: FAILED.",
      CANCEL: "It ended: CANCELLED.",
      CLEANUP: "Its locks are released; the last event.",
    }),
  });
  const event = builder.objectRef<FeedItem>("TaskEvent");
  event.implement({
    description: "Something that happened to a task.",
    fields: (t) => ({
      cursor: t.exposeString("cursor", { description: "Pass it as `after` to continue after this event." }),
      sequence: t.int({
        description:
          "1, 2, 3 … within the task. A PROGRESS event repeats the number of the event it follows.",
        resolve: (item) => item.event.sequence,
      }),
      type: t.field({ type: eventType, resolve: (item) => item.event.type }),
      at: t.field({ type: "DateTime", resolve: (item) => item.event.at }),
      task: t.field({ type: refs.task, resolve: (item) => item.task }),
      progress: t.field({
        type: progress,
        description: "The task's progress at that moment.",
        resolve: ({ event: { progress: at, taskId, type, sequence } }) =>
          knownProgress(at, taskId, type === "PROGRESS" ? ":now" : `:${sequence}`),
      }),
      message: t.string({
        nullable: true,
        resolve: ({ event: { message }, task }, _args, { viewer }) =>
          sight.seesValues(viewer, task) ? message : null,
      }),
    }),
  });
  return { event, eventType };
}

/** A process of a later version may have stored a code that this one does not know. */
function knownCode(code: ErrorCode): ErrorCode {
  return Object.hasOwn(ERROR_CODES, code) ? code : "TASK_FAILED";
}
