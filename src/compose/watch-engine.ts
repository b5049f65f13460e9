import type { Metrics } from "../adapters/metrics/create-metrics.ts";
import { BULK_KINDS } from "../core/bulk/bulk-kinds.ts";
import type { RenewViewer } from "../core/access/renew-viewer.ts";
import type { Viewer } from "../core/access/viewer.ts";
import type { BulkRequest } from "../core/bulk/bulk-request.ts";
import type { ChunkWriter, WholeRun } from "../core/bulk/chunk-writer.ts";
import type { RetryRequest } from "../core/bulk/retry-task.ts";
import type { WriteOne } from "../core/bulk/write-one.ts";
import { OPERATION_OF } from "../core/imports/import-form.ts";
import type { ImportRequest } from "../core/imports/import-ports.ts";
import type { ScheduleRequest, Schedules } from "../core/schedules/schedules.ts";
import type { CustomLaunch } from "../core/tasks/launch/launch-custom.ts";
import type { Counts } from "../core/tasks/progress.ts";
import { NO_COUNTS } from "../core/tasks/progress.ts";
import type { Launched } from "../core/tasks/launch/launch-outcome.ts";
import type { Reservations } from "../core/tasks/manager/reservations.ts";
import type { TaskControls } from "../core/tasks/run/task-controls.ts";
import type { HelpContext, TaskDefinition } from "../core/tasks/task-definition.ts";
import { RESERVATION_KIND } from "../core/tasks/task.ts";
import { isAppError } from "../kernel/app-error.ts";
import type { Audit, AuditEntry } from "../kernel/audit.ts";
import type { SpanOptions, Tracing } from "../kernel/tracing.ts";

/** Looks on at what the engine does: counts it, and writes the audit log. Each member adds that to what it is given. */
export interface EngineWatch {
  readonly definition: (definition: TaskDefinition) => TaskDefinition;
  readonly writer: (writer: ChunkWriter) => ChunkWriter;
  readonly writeOne: (write: WriteOne) => WriteOne;
  readonly launchBulk: <Result extends Outcome>(
    launch: Call<BulkRequest, Result>,
  ) => Call<BulkRequest, Result>;
  readonly openImport: <Result extends Outcome>(
    open: Call<ImportRequest, Result>,
  ) => Call<ImportRequest, Result>;
  readonly launchCustom: <Result extends Outcome>(
    launch: Call<CustomLaunch, Result>,
  ) => Call<CustomLaunch, Result>;
  readonly retryTask: <Result extends Outcome>(
    retry: Call<RetryRequest, Result>,
  ) => Call<RetryRequest, Result>;
  readonly reserve: (reserve: Reservations["reserve"]) => Reservations["reserve"];
  readonly controls: (controls: TaskControls) => TaskControls;
  readonly schedules: (schedules: Schedules) => Schedules;
  readonly renewViewer: (renew: RenewViewer) => RenewViewer;
  /** Told where a viewer sees no such task. */
  readonly missingTask: (
    action: "cancel" | "pause" | "resume" | "retry",
    request: { readonly taskId: string; readonly viewer: Viewer },
  ) => void;
}

type Call<Request, Result> = (request: Request) => Promise<Result>;

/** A result, with its kind. */
interface Outcome {
  readonly kind: string;
}

export function watchEngine(audit: Audit, metrics: Metrics, tracing: Tracing): EngineWatch {
  const noteLaunch = (entry: Noted, result: Outcome): void => {
    const noted = { ...entry, ...(result.kind === "LAUNCHED" ? launchedOf(result) : {}) };
    const outcome = noted.isDuplicate === true ? "duplicate" : wordOf(result);
    metrics.launch(noted.kind ?? "unknown", outcome);
    if (result.kind === "CONFLICT") {
      metrics.conflict("launch");
    }
    const { action, viewerId, kind, model, taskId } = noted;
    audit({ action, outcome, viewerId, kind, model, taskId });
  };
  return {
    definition: (definition) => traceAttempts(noteForbidden(definition, audit), tracing),
    writer: (writer) => watchWriter(writer, metrics, tracing),
    writeOne: (write) => watchWrites(write, audit, metrics),
    launchBulk: (launch) => async (request) => {
      const { viewer, model, operation } = request;
      const result = await launch(request);
      noteLaunch({ action: "launch", viewerId: viewer.id, kind: BULK_KINDS[operation], model }, result);
      return result;
    },
    openImport: (open) => async (request) => {
      const { viewer, form } = request;
      const kind = BULK_KINDS[OPERATION_OF[form.operation]];
      const result = await open(request);
      noteLaunch({ action: "launch", viewerId: viewer.id, kind, model: form.model }, result);
      return result;
    },
    launchCustom: (launch) => async (request) => {
      const { kind, viewer } = request;
      const result = await launch(request);
      // What ran as a part of another task is no launch.
      if (result.kind !== "INLINE") {
        noteLaunch({ action: "launch", viewerId: viewer?.id ?? null, kind }, result);
      }
      return result;
    },
    retryTask: (retry) => async (request) => {
      const { taskId, viewer } = request;
      const result = await retry(request);
      noteLaunch({ action: "retry", viewerId: viewer.id, taskId }, result);
      return result;
    },
    reserve: (reserve) => async (claims, options) => {
      const viewerId = options?.viewer?.id ?? null;
      const outcome = await reserve(claims, options);
      const result =
        outcome.kind === "RESERVED"
          ? ({ kind: "LAUNCHED", task: outcome.reservation.task, isDuplicate: false } as const)
          : outcome;
      noteLaunch({ action: "launch", viewerId, kind: RESERVATION_KIND }, result);
      return outcome;
    },
    controls: (controls) => watchControls(controls, audit),
    schedules: (schedules) => watchSchedules(schedules, audit),
    renewViewer: (renew) => watchRenewals(renew, audit),
    missingTask: (action, { taskId, viewer }) =>
      audit({ action, outcome: "missing", viewerId: viewer.id, taskId }),
  };
}

/** What is known of a launch. */
type Noted = Omit<AuditEntry, "outcome"> & { readonly isDuplicate?: boolean };

/** What a launch has made, or found. */
function launchedOf(result: Outcome): Omit<Noted, "action"> {
  const { task, isDuplicate } = result as Outcome & Launched<unknown>;
  const { id: taskId, kind, model, viewer } = task;
  return { taskId, kind, model, viewerId: viewer.id, isDuplicate };
}

/** The kind of an outcome as it is written in logs and labels: `conflict`. */
function wordOf({ kind }: Outcome): string {
  return kind.toLowerCase();
}

/** Written records are not in the audit log; refused ones are. */
function watchWrites(write: WriteOne, audit: Audit, metrics: Metrics): WriteOne {
  return async (request) => {
    const result = await write(request);
    const { operation, model, viewer } = request;
    const outcome = wordOf(result);
    metrics.write(operation.toLowerCase(), outcome);
    if (result.kind === "CONFLICT") {
      metrics.conflict("write");
    }
    if (result.kind !== "WRITTEN") {
      audit({ action: "write", outcome, viewerId: viewer.id, model });
    }
    return result;
  };
}

/** A key, or a viewer, with which a task was to go on. */
function watchRenewals(renew: RenewViewer, audit: Audit): RenewViewer {
  return (launcher) =>
    renew(launcher)?.then((renewed) => {
      if (renewed.kind === "ENDED") {
        const { viewer, taskId } = launcher;
        const { apiKeyId: key, id: viewerId } = viewer;
        const { code, reason } = renewed;
        const action = key === undefined ? "connect" : "key";
        audit({ action, outcome: code.toLowerCase(), reason, viewerId, key, taskId });
      }
      return renewed;
    });
}

function watchControls(controls: TaskControls, audit: Audit): TaskControls {
  const watched =
    <
      Request extends { readonly taskId: string; readonly viewer: { readonly id: string | null } },
      Result extends Outcome,
    >(
      action: "cancel" | "pause" | "resume",
      control: Call<Request, Result>,
    ): Call<Request, Result> =>
    async (request) => {
      const result = await control(request);
      audit({ action, outcome: wordOf(result), viewerId: request.viewer.id, taskId: request.taskId });
      return result;
    };
  return {
    cancelTask: watched("cancel", (request) => controls.cancelTask(request)),
    pauseTask: watched("pause", (request) => controls.pauseTask(request)),
    resumeTask: watched("resume", (request) => controls.resumeTask(request)),
  };
}

/** A schedule's task is in the log by its launch; here is what becomes of the schedule, and what is no launch. */
function watchSchedules(schedules: Schedules, audit: Audit): Schedules {
  const note = (action: "launch" | "pause" | "resume", request: ScheduleRequest, outcome: string): void =>
    audit({ action, outcome, viewerId: request.viewer.id, schedule: request.name });
  return {
    ...schedules,
    async run(request) {
      const result = await schedules.run(request);
      if (result.kind === "MISSING") {
        note("launch", request, wordOf(result));
      }
      return result;
    },
    async pause(request) {
      const result = await schedules.pause(request);
      note("pause", request, result.kind === "CHANGED" ? "paused" : wordOf(result));
      return result;
    },
    async resume(request) {
      const result = await schedules.resume(request);
      note("resume", request, result.kind === "CHANGED" ? "resumed" : wordOf(result));
      return result;
    },
  };
}

/** A task whose viewer may not do any more what was launched. */
function noteForbidden(definition: TaskDefinition, audit: Audit): TaskDefinition {
  const { kind } = definition;
  const isForbidden = ({ code }: { readonly code: string }): boolean => code === "FORBIDDEN";
  return {
    ...definition,
    async handle(context) {
      const { id: taskId, model, viewer } = context.task;
      const note = (): void =>
        audit({ action: "run", outcome: "forbidden", viewerId: viewer.id, kind, model, taskId });
      try {
        const result = await definition.handle(context);
        if (result.failure?.errors.some(isForbidden) === true) {
          note();
        }
        return result;
      } catch (error) {
        if (isAppError(error, "FORBIDDEN")) {
          note();
        }
        throw error;
      }
    },
  };
}

/** An attempt, and what its helpers write, belongs to the trace of the launch. */
function traceAttempts(definition: TaskDefinition, tracing: Tracing): TaskDefinition {
  const { kind, handle, help } = definition;
  const options = ({ task, attempt }: HelpContext): SpanOptions => ({
    attributes: { "powercrud.task.kind": kind, "powercrud.task.id": task.id, "powercrud.attempt": attempt },
    parent: task.trace,
  });
  return {
    ...definition,
    handle: (context) => tracing.span("task", options(context), () => handle(context)),
    ...(help && { help: (context) => tracing.span("task help", options(context), () => help(context)) }),
  };
}

function watchWriter(writer: ChunkWriter, metrics: Metrics, tracing: Tracing): ChunkWriter {
  const timed = async <Result extends Outcome & { readonly counts?: Counts }>(
    operation: keyof typeof BULK_KINDS,
    write: () => Promise<Result>,
    sumOf: () => Counts = () => NO_COUNTS,
  ): Promise<Result> => {
    const begun = performance.now();
    const attributes = { "powercrud.task.kind": BULK_KINDS[operation] };
    const result = await tracing.span("chunk", { attributes }, write);
    if (result.kind === "WRITTEN" || result.kind === "TRIED") {
      const { succeeded, failed, skipped } = result.counts ?? sumOf();
      const seconds = (performance.now() - begun) / 1000;
      metrics.chunk(BULK_KINDS[operation], seconds, { succeeded, failed, skipped });
    }
    return result;
  };
  return {
    ...writer,
    writeNextChunk: (work) => timed(work.operation, () => writer.writeNextChunk(work)),
    writeAllChunks(work, run) {
      let sum = NO_COUNTS;
      const noted: WholeRun = {
        ...run,
        onWritten(counts) {
          sum = counts;
          run.onWritten(counts);
        },
      };
      return timed(
        work.operation,
        () => writer.writeAllChunks(work, noted),
        () => sum,
      );
    },
    tryAllChunks: (work, policy, run) => timed(work.operation, () => writer.tryAllChunks(work, policy, run)),
  };
}
