import { AppError, isAppError } from "../../kernel/app-error.ts";
import { cancelled } from "../tasks/running-attempts.ts";
import type { Access } from "../records/access.ts";
import type { ModelRegistry } from "../records/model.ts";
import type { SideEffects } from "../records/side-effects.ts";
import type { Counts } from "../tasks/progress.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import type { AttemptContext, HandlerResult, TaskDefinition } from "../tasks/task-definition.ts";
import { decodeBulkChange } from "./bulk-input.ts";
import { BULK_KINDS } from "./bulk-kinds.ts";
import type { BulkRules } from "./bulk-rules.ts";
import type { BulkOperation, BulkWork, BulkWriter } from "./bulk-writer.ts";
import { checkChange } from "./check-change.ts";

/** Chunks of a task that are written at a time: while one is parsed and planned, another keeps the disk busy. */
const LANES = 2;

/** What running bulk tasks needs. */
export interface BulkDefinitionPorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly rules: BulkRules;
  readonly writer: BulkWriter;
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
        : sideEffects.ofUpdate(model, decodeBulkChange(input)));
      return (
        plan && {
          models: plan.models,
          claims: (transaction, ids) => plan.claims(transaction, ids, lockEscalationRecords),
        }
      );
    },
    async handle(context) {
      const work = await prepareWork(ports, operation, context);
      return context.task.errorPolicy === "ALL_OR_NOTHING"
        ? writeAllOrNothing(ports.writer, work, context)
        : writeChunkByChunk(ports.writer, work, context);
    },
  };
}

/** @throws AppError TASK_FAILED when the rules, which may have changed since the launch, refuse the change */
async function prepareWork(
  ports: BulkDefinitionPorts,
  operation: BulkOperation["operation"],
  { task, attempt }: AttemptContext,
): Promise<BulkWork> {
  const model = ports.models.get(task.model ?? "");
  const base = { taskId: task.id, attempt, model, scope: ports.access.scope(model.name, task.viewer) };
  if (operation === "DELETE") {
    return { ...base, operation };
  }
  const change = decodeBulkChange(task.input);
  const [problem] = checkChange(model, ports.models.enums(), ports.rules, change);
  if (problem !== undefined) {
    throw new AppError("TASK_FAILED", problem.message);
  }
  const references = await ports.sideEffects.references(model, Object.keys(change));
  return { ...base, operation, change, references };
}

async function writeChunkByChunk(
  writer: BulkWriter,
  work: BulkWork,
  context: AttemptContext,
): Promise<HandlerResult> {
  for (;;) {
    const lanes = Array.from({ length: LANES }, () => writeLane(writer, work, context));
    // All lanes end before the attempt does: nothing of it may still be writing when it settles.
    const ends = await Promise.allSettled(lanes);
    const failed = ends.find((end) => end.status === "rejected");
    const isCancelled = isCancellation(failed?.reason);
    if (failed !== undefined && !isCancelled) {
      throw failed.reason;
    }
    const { counts, pendingChunks } = await writer.countWritten(work.taskId);
    if (pendingChunks === 0 || isCancelled) {
      return { counts, isCancelled: pendingChunks > 0 };
    }
  }
}

async function writeLane(writer: BulkWriter, work: BulkWork, context: AttemptContext): Promise<void> {
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

async function writeAllOrNothing(
  writer: BulkWriter,
  work: BulkWork,
  context: AttemptContext,
): Promise<HandlerResult> {
  const result = await writer
    .writeAllChunks(work, (counts) => context.reportProgress(counts), context.signal)
    .catch(cancelledOrRolledBack);
  switch (result.kind) {
    case "WRITTEN":
      return { counts: (await writer.countWritten(work.taskId)).counts };
    case "FENCED":
      throw fenced();
    case "CANCELLED":
      return { counts: (await writer.countWritten(work.taskId)).counts, isCancelled: true };
    case "REFUSED": {
      const [first] = result.errors;
      return {
        message: first === undefined ? "Nothing was changed." : `Nothing was changed. ${describe(first)}`,
        counts: await countsOfRefusal(writer, work.taskId, result.errors),
        failure: { errors: result.errors },
      };
    }
  }
}

/** Everything was rolled back: what was reported on the way did not happen. */
function cancelledOrRolledBack(error: unknown): { readonly kind: "CANCELLED" } {
  if (isCancellation(error)) {
    return { kind: "CANCELLED" };
  }
  if (isAppError(error, "INTERNAL")) {
    throw new AppError(error.code, error.message, { cause: error.cause, details: { isRolledBack: true } });
  }
  throw error;
}

/** Besides the failures only what was skipped at the launch: all else was rolled back. */
async function countsOfRefusal(
  writer: BulkWriter,
  taskId: string,
  errors: readonly NewTaskError[],
): Promise<Counts> {
  const { counts } = await writer.countWritten(taskId);
  return { ...counts, failed: errors.filter(({ recordId }) => recordId !== null).length };
}

function describe(error: { readonly recordId: string | null; readonly message: string }): string {
  return error.recordId === null ? error.message : `Record ${error.recordId}: ${error.message}`;
}

function isCancellation(error: unknown): boolean {
  return isAppError(error, "CANCELLED");
}

function fenced(): AppError {
  return new AppError("ATTEMPT_FENCED", "Another attempt has taken the task over.");
}
