import { AppError, isAppError } from "../../kernel/app-error.ts";
import { visitInTurns } from "../../kernel/turns.ts";
import type { Access } from "../access/access.ts";
import type { ModelRegistry } from "../records/model.ts";
import { parseRecordId } from "../records/record-key.ts";
import type { LockScopes } from "../locks/claim.ts";
import { mergeClaims } from "../locks/claim.ts";
import { operationProblems } from "../records/serve-model.ts";
import type { RecordHooks } from "../records/record-hooks.ts";
import type { SideEffects } from "../records/side-effects.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { ForbiddenRefusal } from "../refusals/refusals.ts";
import { describeOutcome } from "../tasks/settle/ending.ts";
import type { Dependents } from "../tasks/dependents.ts";
import { NO_COUNTS } from "../tasks/progress.ts";
import { cancelled, paused } from "../tasks/run/running-attempts.ts";
import type {
  AttemptContext,
  DependentRequest,
  HandlerResult,
  HelpContext,
  TaskDefinition,
} from "../tasks/task-definition.ts";
import { decodeBulkChange, decodeUpdatedFields } from "./bulk-input.ts";
import { BULK_KINDS } from "./bulk-kinds.ts";
import type { BulkRules } from "./bulk-rules.ts";
import { checkChange } from "./check-change.ts";
import { checkRowFields } from "./check-rows.ts";
import type { ChunkWork, ChunkWriter, WrittenChunks } from "./chunk-writer.ts";
import { operationsOf } from "./hook-batch.ts";
import { claimsOfLinks, linksOfBatches, linksOfChange } from "./linked-records.ts";
import { isNamedByKey } from "./named-batch.ts";
import type { BulkOperation } from "./record-writer.ts";
import { fenced, isCancellation, tryAll, writeAllOrNothing } from "./write-whole-task.ts";
import { refuseRows, refuseWrite, targetScope } from "./write-rights.ts";
import { scopeChecksOf, updatedFieldsOf, writtenFieldsOf } from "./written-fields.ts";

/** Chunks of a task that are written at a time: while one is parsed and planned, another keeps the disk busy. */
const LANES = 2;

/** A smaller task is done before a helper has come. */
export const MIN_SHARED_RECORDS = 20_000;
/** Fewer chunks are not worth another worker. */
const CHUNKS_PER_WORKER = 4;

/** What running bulk tasks needs. */
export interface BulkDefinitionPorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly rules: BulkRules;
  readonly writer: ChunkWriter;
  readonly hooks: RecordHooks;
  readonly sideEffects: SideEffects;
  readonly lockScopes: LockScopes;
  /** Above this many dependent records of a model, the whole model is claimed. */
  readonly lockEscalationRecords: number;
}

/** The task definition of one bulk operation. */
export function createBulkDefinition(
  ports: BulkDefinitionPorts,
  operation: BulkOperation["operation"],
): TaskDefinition {
  return {
    kind: BULK_KINDS[operation],
    dependents: (request) => dependentsOf(ports, operation, request),
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

/**
 * The records that a bulk task changes besides its own: those that the database changes along with them, and those
 * that it links or unlinks. Links that a list of records names are known only at the launch; a waiting task has
 * claimed them by then.
 */
async function dependentsOf(
  { models, sideEffects, lockScopes, lockEscalationRecords }: BulkDefinitionPorts,
  operation: BulkOperation["operation"],
  { model: name, input, viewer, batches = [] }: DependentRequest,
): Promise<Dependents | undefined> {
  const model = models.get(name ?? "");
  const plan = await (operation === "DELETE"
    ? sideEffects.ofDelete(model)
    : sideEffects.ofUpdate(model, decodeUpdatedFields(input)));
  const linksOf =
    operation === "UPDATE"
      ? () => linksOfChange(models, model, decodeBulkChange(input))
      : (isMeant?: (id: string) => boolean) => linksOfBatches(models, model, batches, isMeant);
  const linked = linksOf().map(({ target }) => target.name);
  if (plan === undefined && linked.length === 0) {
    return undefined;
  }
  return {
    models: [...new Set([...(plan?.models ?? []), ...linked])],
    async claims(transaction, ids) {
      let meant: ReadonlySet<string> | undefined;
      const links = linksOf((id) => (meant ??= new Set(ids)).has(id));
      // A record that is named by a key and not there has no id, and nothing depends on it.
      const there: string[] = [];
      await visitInTurns(ids, (id) => void ("value" in parseRecordId(model, id) && there.push(id)));
      const affected = (await plan?.claims(transaction, there, lockEscalationRecords)) ?? [];
      return mergeClaims([...affected, ...claimsOfLinks(links, (each) => lockScopes.of(each, viewer))]);
    },
  };
}

/** @throws AppError TASK_FAILED when the rules, which may have changed since the launch, refuse the change */
async function prepareWork(
  ports: BulkDefinitionPorts,
  operation: BulkOperation["operation"],
  { task, attempt }: HelpContext,
): Promise<ChunkWork> {
  const { access, models, sideEffects, lockScopes } = ports;
  const { viewer } = task;
  const model = models.get(task.model ?? "");
  refuse(operationProblems(model, operation));
  const base = {
    taskId: task.id,
    attempt,
    onConflict: task.onConflict,
    model,
    scope: targetScope(access, viewer, model, operation),
    readScope: () => access.scope(model.name, viewer, "READ"),
    lockScopeOf: (name: string) => lockScopes.of(name, viewer),
    hooks: ports.hooks.of(model, operationsOf(operation), {
      viewer,
      task: { id: task.id, label: task.label, attempt },
      isDryRun: task.isDryRun,
    }),
  };
  if (operation === "DELETE") {
    forbid(refuseWrite(access, viewer, model, operation, []));
    return { ...base, operation };
  }
  const change = operation === "UPDATE" ? decodeBulkChange(task.input) : undefined;
  if (change !== undefined) {
    refuse(checkChange(models, model, change));
    forbid(refuseWrite(access, viewer, model, operation, Object.keys(change)));
    const written = Object.keys(change);
    const references = await sideEffects.references(model, written);
    return {
      ...base,
      ...scopeChecksOf(access, model, viewer, operation, written),
      operation: "UPDATE",
      change,
      references,
    };
  }
  const fields = await ports.writer.listFields(task.id);
  refuse(checkRowFields(models, model, fields));
  forbid(refuseRows(access, viewer, model, operation, fields));
  const written = writtenFieldsOf(model, operation, fields, base.hooks);
  const references = await sideEffects.references(model, written);
  const effects = isNamedByKey(fields)
    ? await sideEffects.ofUpdate(model, updatedFieldsOf(fields))
    : undefined;
  return {
    ...base,
    effects,
    ...scopeChecksOf(access, model, viewer, operation, written),
    operation: operation as "CREATE" | "UPDATE_EACH" | "UPSERT",
    references,
  };
}

function refuse([problem]: readonly RecordProblem[]): void {
  if (problem !== undefined) {
    throw new AppError("TASK_FAILED", problem.message);
  }
}

function forbid(refusal: ForbiddenRefusal | undefined): void {
  if (refusal !== undefined) {
    throw new AppError("FORBIDDEN", refusal.message);
  }
}

/** What was done to the records that went well, for messages. */
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

/** Asks for helpers if there are enough chunks for several workers. */
async function shareChunks(
  { rules, writer }: BulkDefinitionPorts,
  { model, taskId }: ChunkWork,
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
  writer: ChunkWriter,
  work: ChunkWork,
  context: AttemptContext,
): Promise<HandlerResult> {
  for (;;) {
    const stop = await writeLanes(writer, work, context).then(
      () => undefined,
      (error: unknown) => {
        if (isCancellation(error) || isAppError(error, "PAUSED")) {
          return error;
        }
        throw error;
      },
    );
    const { counts, pendingChunks } = await countOnceWritten(writer, work.taskId);
    // A request that came when all was done changes nothing.
    if (pendingChunks === 0 || isCancellation(stop)) {
      return { counts, isCancelled: pendingChunks > 0 };
    }
    if (stop !== undefined) {
      throw stop;
    }
  }
}

/**
 * The counts once helpers have written their chunks, too: the attempt does not end before them. Most tasks have no
 * chunk left here.
 */
async function countOnceWritten(writer: ChunkWriter, taskId: string): Promise<WrittenChunks> {
  const written = await writer.countWritten(taskId);
  if (written.pendingChunks === 0) {
    return written;
  }
  await writer.untilWritten(taskId);
  return writer.countWritten(taskId);
}

/** Writes until no chunk is left to take. @throws the error that ended one of the lanes, once all have ended */
async function writeLanes(writer: ChunkWriter, work: ChunkWork, context: HelpContext): Promise<void> {
  const lanes = Array.from({ length: context.task.progress.total === 1 ? 1 : LANES }, () =>
    writeLane(writer, work, context),
  );
  const ends = await Promise.allSettled(lanes);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) {
    throw failed.reason;
  }
}

async function writeLane(writer: ChunkWriter, work: ChunkWork, context: HelpContext): Promise<void> {
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
      case "HELD":
        await context.untilFree(result.refusal);
        break;
      case "PAUSED":
        throw paused();
      case "EXHAUSTED":
        return;
    }
  }
}
