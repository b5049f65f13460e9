import type { Logger } from "../../kernel/logger.ts";
import type { Claim, LockScopes } from "../locks/claim.ts";
import type { LockRefusal, LockStore } from "../locks/lock-store.ts";
import type { Access } from "../access/access.ts";
import type { Model } from "../records/model.ts";
import type { RecordHooks } from "../records/record-hooks.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { EffectPlan, SideEffects } from "../records/side-effects.ts";
import { invalid } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { EncodePorts } from "./encode-rows.ts";
import { operationsOf } from "./hook-batch.ts";
import { claimsOfLinks, missingLinks } from "./linked-records.ts";
import type { RecordWork, RecordWriter, WrittenBatch } from "./record-writer.ts";
import { isPlainWork } from "./record-writer.ts";
import type { WriteOutcome } from "./write-outcome.ts";
import { outcomeOf } from "./write-outcome.ts";
import type { ParsedRequest, WriteRequest } from "./write-request.ts";
import { parseWrite } from "./write-request.ts";
import { scopeChecksOf, updatedFieldsOf, writtenFieldsOf } from "./written-fields.ts";

/** The use case behind every single write. An upsert is never MISSING. */
export type WriteOne = (request: WriteRequest) => Promise<WriteOutcome>;

/** What single writes need. */
export interface WriteOnePorts extends EncodePorts {
  readonly access: Access;
  readonly reader: RecordReader;
  readonly writer: RecordWriter;
  readonly hooks: RecordHooks;
  readonly sideEffects: SideEffects;
  readonly locks: Pick<LockStore, "guard">;
  readonly lockScopes: LockScopes;
  readonly tasks: Pick<TaskStore, "find">;
  readonly logger: Logger;
}

/**
 * Writes one record as a chunk of one: checked, guarded, written and refused like the records of a bulk write. It
 * never changes a record that a task holds, nor one outside the viewer's scope.
 */
export function createWriteOne(ports: WriteOnePorts): WriteOne {
  return async (request) => {
    try {
      return await writeOne(ports, request);
    } catch (error) {
      return unavailableRefusal(ports.logger, error, "a write was refused");
    }
  };
}

async function writeOne(ports: WriteOnePorts, request: WriteRequest): Promise<WriteOutcome> {
  const model = ports.models.get(request.model);
  const parsed = await parseWrite(ports, model, request);
  if ("problems" in parsed) {
    return invalid(parsed.problems);
  }
  const { batch, links } = parsed.value;
  const unlinked = await missingLinks(ports, request.viewer, links);
  if (unlinked.length > 0) {
    return invalid(unlinked);
  }
  const write = await prepareWrite(ports, model, request, parsed.value);
  // Hooks must not run twice for an update that is refused: there was no race to lose.
  const wasThere =
    request.operation === "UPSERT" &&
    write.work.hooks !== undefined &&
    (await isThere(ports, request, batch));
  const outcome = await writeBatchOfOne(ports, request, write, batch);
  const wasRaced =
    request.operation === "UPSERT" && !wasThere && (await lostToOtherCreate(ports, request, batch, outcome));
  return wasRaced ? writeBatchOfOne(ports, request, write, batch) : outcome;
}

/** A checked write, with everything that it needs. */
interface PreparedWrite {
  readonly work: RecordWork;
  /** On the record, and on the records that it links or unlinks. */
  readonly claims: readonly Claim[];
  readonly effects: EffectPlan | undefined;
}

async function prepareWrite(
  ports: WriteOnePorts,
  model: Model,
  request: WriteRequest,
  { batch, links }: ParsedRequest,
): Promise<PreparedWrite> {
  const { viewer } = request;
  const operation = request.operation === "UPDATE" ? "UPDATE_EACH" : request.operation;
  const hooks = ports.hooks.of(model, operationsOf(operation), { viewer, isDryRun: false });
  const written = writtenFieldsOf(model, operation, batch.fields.filter(hasValueIn(batch)), hooks);
  const effects = await (operation === "DELETE"
    ? ports.sideEffects.ofDelete(model)
    : ports.sideEffects.ofUpdate(model, updatedFieldsOf(batch.fields)));
  const references = await ports.sideEffects.references(model, written);
  const lockScopeOf = (name: string): string | undefined => ports.lockScopes.of(name, viewer);
  return {
    work: {
      operation,
      model,
      scope: ports.access.scope(model.name, viewer),
      hooks,
      ...scopeChecksOf(ports.access, model, viewer, written),
      references,
      lockScopeOf,
      guardReached: effects && ((transaction, ids) => guardEffects(ports, transaction, effects, ids)),
    },
    claims: [
      { model: model.name, ids: batch.ids, scope: lockScopeOf(model.name) },
      ...claimsOfLinks(links, lockScopeOf),
    ],
    effects,
  };
}

/** Whether the batch has a value other than null for a field: null refers to nothing. */
function hasValueIn({ fields, columns }: RecordBatch): (field: string) => boolean {
  return (field) => columns[fields.indexOf(field)]?.[0] !== null;
}

async function writeBatchOfOne(
  ports: WriteOnePorts,
  request: WriteRequest,
  { work, claims, effects }: PreparedWrite,
  batch: RecordBatch,
): Promise<WriteOutcome> {
  const { references, model } = work;
  const expected = "expected" in request ? request.expected : undefined;
  const report = (written: WrittenBatch): Promise<WriteOutcome> =>
    outcomeOf(ports, { model, id: batch.ids[0] ?? "", expected, operation: request.operation }, written);
  const isAlone = effects === undefined && references === undefined && claims.length === 1;
  if (isAlone && isPlainWork(work)) {
    return report(await ports.writer.writeGuarded(work, batch));
  }
  const entered = [...(effects?.models ?? []), ...(references?.models ?? [])];
  const written = await ports.writer.run<WrittenBatch>(work, async (transaction) => {
    const refusal = await guardFirst(ports, transaction, claims, entered);
    if (refusal !== undefined) {
      return { rollBack: { succeeded: 0, errors: [], refusal } };
    }
    const done = await ports.writer.writeBatch(transaction, work, batch);
    return done.succeeded === 1 ? { commit: done } : { rollBack: done };
  });
  // After the transaction: to describe a refusal takes another connection.
  return report(written);
}

/**
 * Whether an upsert was refused because another write created the record first: the refusal may name any unique value
 * of the record. The upsert is then tried again, as an update.
 */
async function lostToOtherCreate(
  ports: WriteOnePorts,
  request: WriteRequest,
  batch: RecordBatch,
  outcome: WriteOutcome,
): Promise<boolean> {
  const isRefused =
    outcome.kind === "INVALID" && outcome.problems.some(({ code }) => code === "CONSTRAINT_VIOLATED");
  return isRefused && (await isThere(ports, request, batch));
}

/** Whether the record is there, within the viewer's scope. */
async function isThere(
  { reader, access }: WriteOnePorts,
  { model, viewer }: WriteRequest,
  { ids }: RecordBatch,
): Promise<boolean> {
  return (await reader.existingIds(model, ids, access.scope(model, viewer))).length > 0;
}

/**
 * No record has an empty id: a guard on it enters the model, and only a claim on the whole model conflicts with it.
 */
const NO_RECORD = "";

/**
 * Guards the claims, and enters the models of possible side effects in the same call, before any row is locked. One
 * call enters its models in a fixed order, as every claim does, so that none deadlocks with another. A model entered in
 * a second call could: a claim may hold it and wait for a model of the first.
 */
async function guardFirst(
  { locks }: WriteOnePorts,
  transaction: Transaction,
  claims: readonly Claim[],
  affected: readonly string[],
): Promise<LockRefusal | undefined> {
  const entered = new Set(affected.filter((name) => claims.every((claim) => claim.model !== name)));
  const entering = [...entered].map((name): Claim => ({ model: name, ids: [NO_RECORD] }));
  const guard = await locks.guard(transaction, [...claims, ...entering]);
  if (guard.kind === "GRANTED") {
    return undefined;
  }
  // A task that holds a whole model is in the way only if the write changes records of that model, which is found out
  // later.
  const conflicts = guard.conflicts.filter(({ model }) => !entered.has(model));
  const passed = guard.conflicts.length - conflicts.length;
  return conflicts.length === 0
    ? undefined
    : { ...guard, conflicts, totalConflicts: guard.totalConflicts - passed };
}

/** Guards the side effects of the write, wave by wave. */
async function guardEffects(
  { locks }: WriteOnePorts,
  transaction: Transaction,
  effects: EffectPlan,
  [id = ""]: readonly string[],
): Promise<LockRefusal | undefined> {
  for await (const claims of effects.waves(transaction, id)) {
    const guard = await locks.guard(transaction, claims);
    if (guard.kind !== "GRANTED") {
      return guard;
    }
  }
  return undefined;
}
