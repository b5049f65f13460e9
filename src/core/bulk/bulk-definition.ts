import { AppError } from "../../kernel/app-error.ts";
import { cancelled } from "../tasks/run/running-attempts.ts";
import { fenced, isCancellation } from "./attempt-stop.ts";
import type { Access } from "../access/access.ts";
import type { ModelRegistry } from "../records/model.ts";
import type { RecordHooks } from "../records/record-hooks.ts";
import type { ScopeCheck } from "../records/scope-checks.ts";
import { scopeChecks } from "../records/scope-checks.ts";
import type { SideEffects } from "../records/side-effects.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { describeOutcome } from "../tasks/settle/ending.ts";
import { NO_COUNTS } from "../tasks/progress.ts";
import type { AttemptContext, HandlerResult, HelpContext, TaskDefinition } from "../tasks/task-definition.ts";
import { decodeBulkChange, decodeBulkData } from "./bulk-input.ts";
import { BULK_KINDS } from "./bulk-kinds.ts";
import type { BulkRules } from "./bulk-rules.ts";
import type { BulkOperation, BulkWork, BulkWriter, WrittenChunks } from "./bulk-writer.ts";
import { checkChange } from "./check-change.ts";
import { checkRowFields } from "./check-rows.ts";
import { operationsOf } from "./hook-batch.ts";
import { namedFields } from "./row-field.ts";
import { tryAll } from "./try-all.ts";
import { writeAllOrNothing } from "./write-all-or-nothing.ts";

/** Chunks of a task that are written at a time: while one is parsed and planned, another keeps the disk busy. */
const LANES = 2;

/** A smaller task is written before a helper has come. */
export const MIN_SHARED_RECORDS = 20_000;
/** Fewer are not worth another worker's coming. */
const CHUNKS_PER_WORKER = 4;

/** What running bulk tasks needs. */
export interface BulkDefinitionPorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly rules: BulkRules;
  readonly writer: BulkWriter;
  readonly hooks: RecordHooks;
  readonly sideEffects: SideEffects;
  /** Of a model of which more records hang on those of a task, the whole is claimed. */
  readonly lockEscalationRecords: number;
}

/** The task definition of one bulk operation. */
export function createBulkDefinition(
  ports: BulkDefinitionPorts,
  operation: BulkOperation["operation"],
): TaskDefinition {
  const { models, sideEffects, lockEscalationRecords } = ports;
  return {
    kind: BULK_KINDS[operation],
    async dependents({ model: name, input }) {
      const model = models.get(name ?? "");
      const plan = await (operation === "DELETE"
        ? sideEffects.ofDelete(model)
        : sideEffects.ofUpdate(model, decodeBulkData(input)));
      return (
        plan && {
          models: plan.models,
          claims: (transaction, ids) => plan.claims(transaction, ids, lockEscalationRecords),
        }
      );
    },
    async handle(context) {
      const work = await prepareWork(ports, operation, context);
      if (context.task.isDryRun) {
        return tryAll(ports.writer, work, context);
      }
      if (context.task.errorPolicy === "ALL_OR_NOTHING") {
        return writeAllOrNothing(ports.writer, work, context);
      }
      await shareChunks(ports, work, context);
      const result = await writeChunkByChunk(ports.writer, work, context);
      return { ...messageOf(operation, result), ...result };
    },
    async help(context) {
      await writeLanes(ports.writer, await prepareWork(ports, operation, context), context);
    },
  };
}

/** @throws AppError TASK_FAILED when the rules, which may have changed since the launch, refuse the change */
async function prepareWork(
  ports: BulkDefinitionPorts,
  operation: BulkOperation["operation"],
  { task, attempt }: HelpContext,
): Promise<BulkWork> {
  const model = ports.models.get(task.model ?? "");
  const base = {
    taskId: task.id,
    attempt,
    model,
    scope: ports.access.scope(model.name, task.viewer),
    hooks: ports.hooks.of(model, operationsOf(operation), {
      viewer: task.viewer,
      task: { id: task.id, label: task.label, attempt },
      isDryRun: task.isDryRun,
    }),
  };
  const checksOf = (written: readonly string[]): readonly ScopeCheck[] =>
    scopeChecks(ports.access, model, task.viewer, written);
  const checks = (written: readonly string[]): Pick<BulkWork, "scopeChecks"> =>
    checksOf(written).length === 0 ? {} : { scopeChecks: checksOf };
  if (operation === "DELETE") {
    return { ...base, operation };
  }
  if (operation === "UPDATE") {
    const change = decodeBulkChange(task.input);
    refuse(checkChange(ports.models, model, ports.rules, change));
    const references = await ports.sideEffects.references(model, Object.keys(change));
    return { ...base, ...checks(Object.keys(change)), operation, change, references };
  }
  const fields = await ports.writer.listFields(task.id);
  refuse(checkRowFields(ports.models, model, ports.rules, fields));
  const named = namedFields(fields);
  const references = await ports.sideEffects.references(model, named);
  return { ...base, ...checks(named), operation, references };
}

function refuse([problem]: readonly RecordProblem[]): void {
  if (problem !== undefined) {
    throw new AppError("TASK_FAILED", problem.message);
  }
}

/** What became of records that were written. */
const DONE: Readonly<Record<BulkOperation["operation"], string>> = {
  CREATE: "created",
  UPDATE: "changed",
  UPDATE_EACH: "changed",
  UPSERT: "written",
  DELETE: "deleted",
};

function messageOf(
  operation: BulkOperation["operation"],
  { counts = NO_COUNTS }: HandlerResult,
): Pick<HandlerResult, "message"> {
  const message = describeOutcome(counts, DONE[operation]);
  return message === null ? {} : { message };
}

/** Several workers write a task that has enough for all of them. */
async function shareChunks(
  { rules, writer }: BulkDefinitionPorts,
  { model, taskId }: BulkWork,
  context: AttemptContext,
): Promise<void> {
  const wanted = rules.parallelism(model.name) - 1;
  if (wanted <= 0 || (context.task.progress.total ?? 0) < MIN_SHARED_RECORDS) {
    return;
  }
  const { pendingChunks } = await writer.countWritten(taskId);
  const helpers = Math.min(wanted, Math.floor(pendingChunks / CHUNKS_PER_WORKER) - 1);
  if (helpers > 0) {
    await context.askForHelp(helpers);
  }
}

async function writeChunkByChunk(
  writer: BulkWriter,
  work: BulkWork,
  context: AttemptContext,
): Promise<HandlerResult> {
  for (;;) {
    const isCancelled = await writeLanes(writer, work, context).then(
      () => false,
      (error: unknown) => {
        if (!isCancellation(error)) {
          throw error;
        }
        return true;
      },
    );
    const { counts, pendingChunks } = await countOnceWritten(writer, work.taskId);
    if (pendingChunks === 0 || isCancelled) {
      return { counts, isCancelled: pendingChunks > 0 };
    }
  }
}

/** What helpers are writing belongs to the attempt: it does not end before them. Most tasks have no chunk left here. */
async function countOnceWritten(writer: BulkWriter, taskId: string): Promise<WrittenChunks> {
  const written = await writer.countWritten(taskId);
  if (written.pendingChunks === 0) {
    return written;
  }
  await writer.untilWritten(taskId);
  return writer.countWritten(taskId);
}

/** Until no chunk is left that nobody has. @throws what ended one of the lanes, once all have ended */
async function writeLanes(writer: BulkWriter, work: BulkWork, context: HelpContext): Promise<void> {
  const lanes = Array.from({ length: LANES }, () => writeLane(writer, work, context));
  const ends = await Promise.allSettled(lanes);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) {
    throw failed.reason;
  }
}

async function writeLane(writer: BulkWriter, work: BulkWork, context: HelpContext): Promise<void> {
  for (;;) {
    context.signal.throwIfAborted();
    const result = await writer.writeNextChunk(work);
    switch (result.kind) {
      case "WRITTEN":
        context.reportProgress(result.counts);
        break;
      case "FENCED":
        throw fenced();
      case "CANCELLED":
        throw cancelled();
      case "EXHAUSTED":
        return;
    }
  }
}
