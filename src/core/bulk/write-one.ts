import type { Logger } from "../../kernel/logger.ts";
import type { Claim } from "../locks/claim.ts";
import type { LockScopes } from "../locks/lock-scopes.ts";
import type { LockRefusal, LockStore } from "../locks/lock-store.ts";
import type { Access } from "../access/access.ts";
import type { Model, ModelRegistry } from "../records/model.ts";
import { updatedAtField } from "../records/model.ts";
import type { RecordDefaults } from "../records/record-defaults.ts";
import type { RecordHooks } from "../records/record-hooks.ts";
import { parseRecordId } from "../records/record-key.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { EffectPlan, SideEffects } from "../records/side-effects.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Parsed, ValidationRefusal } from "../refusals/problems.ts";
import { invalid, problem } from "../refusals/problems.ts";
import type {
  ConflictRefusal,
  MissingRefusal,
  StaleRefusal,
  UnavailableRefusal,
} from "../refusals/refusals.ts";
import { conflictRefusal } from "../refusals/conflict-refusal.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { RowData, RowPaths, RowsTarget } from "./bulk-request.ts";
import { checkExpected, checkOneRow } from "./check-rows.ts";
import { encodeOneRow } from "./encode-rows.ts";
import { operationsOf } from "./hook-batch.ts";
import type { Links } from "./linked-records.ts";
import { claimsOfLinks, linksOfTarget, missingLinks } from "./linked-records.ts";
import type { RecordWork, RecordWriter, WrittenBatch } from "./record-writer.ts";
import { isPlainWork } from "./record-writer.ts";
import { EXPECTED_FIELD } from "./row-field.ts";
import { scopeChecksOf, updatedFieldsOf, writtenFieldsOf } from "./written-fields.ts";

/** The state in which the caller last saw the record. */
export interface ExpectedState {
  /** The value of its `@updatedAt` column in ISO 8601; compared to the millisecond. Null is refused. */
  readonly updatedAt: string | null;
  /** Reads the record as it is now, for a refusal; its `@updatedAt` column at least. Null where the viewer has none. */
  readonly readCurrent: () => Promise<Readonly<Record<string, unknown>> | null>;
}

/** A single write. */
export type WriteRequest = { readonly model: string; readonly viewer: Viewer } & (
  | { readonly operation: "CREATE"; readonly data: RowData }
  | {
      readonly operation: "UPDATE";
      readonly id: string;
      readonly data: RowData;
      /** Default: any state. */
      readonly expected?: ExpectedState | undefined;
    }
  | {
      readonly operation: "UPSERT";
      readonly id: string;
      /** For a record that is not there. Key fields may be left out; where they are named, they must agree with `id`. */
      readonly create: RowData;
      /** For one that is there; may name nothing. */
      readonly update: RowData;
    }
  | { readonly operation: "DELETE"; readonly id: string; readonly expected?: ExpectedState | undefined }
);

/** What becomes of a single write. */
export type WriteOutcome =
  | { readonly kind: "WRITTEN"; readonly id: string }
  | MissingRefusal
  | StaleRefusal
  | ConflictRefusal
  | ValidationRefusal
  | UnavailableRefusal;

/** The use case behind every single write. An upsert is never MISSING. */
export type WriteOne = (request: WriteRequest) => Promise<WriteOutcome>;

/** What single writes need. */
export interface WriteOnePorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly reader: RecordReader;
  readonly defaults: RecordDefaults;
  readonly writer: RecordWriter;
  readonly hooks: RecordHooks;
  readonly sideEffects: SideEffects;
  readonly locks: Pick<LockStore, "guard">;
  readonly lockScopes: LockScopes;
  readonly tasks: Pick<TaskStore, "find">;
  readonly logger: Logger;
}

/**
 * Writes one record as a chunk of one: checked, guarded, written and refused like the records of a bulk write. Never
 * against a task's lock on a record that it changes, and never out of the viewer's scope.
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
  const parsed = await parseRequest(ports, model, request);
  if ("problems" in parsed) {
    return invalid(parsed.problems);
  }
  const { batch, links } = parsed.value;
  const missing = await missingLinks(ports, request.viewer, links);
  if (missing.length > 0) {
    return invalid(missing);
  }
  const write = await prepareWrite(ports, model, request, parsed.value);
  const outcome = await writeBatchOfOne(ports, request, write, batch);
  const wasRaced = request.operation === "UPSERT" && (await isThereByNow(ports, request, batch, outcome));
  return wasRaced ? writeBatchOfOne(ports, request, write, batch) : outcome;
}

/** A checked request: a batch of one record, and the records that it names for links. */
interface ParsedRequest {
  readonly batch: RecordBatch;
  readonly links: readonly Links[];
}

async function parseRequest(
  ports: WriteOnePorts,
  model: Model,
  request: WriteRequest,
): Promise<Parsed<ParsedRequest>> {
  if (request.operation === "DELETE") {
    return parseDelete(model, request);
  }
  const target = asRows(request);
  const paths = request.operation === "UPSERT" ? HALVES : TOP;
  const problems = checkOneRow(ports.models, model, target, paths);
  if (problems.length > 0) {
    return { problems };
  }
  const batch = await encodeOneRow(ports, model, target);
  return "problems" in batch
    ? batch
    : { value: { batch: batch.value, links: linksOfTarget(ports.models, model, target, () => paths) } };
}

const TOP: RowPaths = { record: "", create: "", update: "" };
const HALVES: RowPaths = { record: "", create: "create", update: "update" };

function asRows(request: Exclude<WriteRequest, { operation: "DELETE" }>): RowsTarget {
  switch (request.operation) {
    case "CREATE":
      return { operation: "CREATE", records: [request.data] };
    case "UPDATE": {
      const { id, data, expected } = request;
      const expectation = expected === undefined ? {} : { expectedUpdatedAt: expected.updatedAt };
      return { operation: "UPDATE_EACH", records: [{ id, data, ...expectation }] };
    }
    case "UPSERT": {
      const { id, create, update } = request;
      return { operation: "UPSERT", records: [{ id, create, update }] };
    }
  }
}

function parseDelete(
  model: Model,
  { id, expected }: Extract<WriteRequest, { operation: "DELETE" }>,
): Parsed<ParsedRequest> {
  const parsed = parseRecordId(model, id);
  const expectation = expected === undefined ? {} : { expectedUpdatedAt: expected.updatedAt };
  const problems = [
    ...("problems" in parsed ? parsed.problems : []),
    ...checkExpected(model, expectation, ""),
  ];
  if ("problems" in parsed || problems.length > 0) {
    return { problems };
  }
  const columns = expected === undefined ? [] : [[expected.updatedAt]];
  const fields = expected === undefined ? [] : [EXPECTED_FIELD];
  return { value: { batch: { ids: [parsed.value], fields, columns }, links: [] } };
}

/** A write that is ready to be made. */
interface PreparedWrite {
  readonly work: RecordWork;
  /** On the record, and on those that it names for links. */
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
  const written = writtenFieldsOf(model, operation, batch.fields.filter(hasValueIn(batch)));
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
      hooks: ports.hooks.of(model, operationsOf(operation), { viewer, isDryRun: false }),
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

/** Whether something else than null is written for a field: null refers to nothing. */
function hasValueIn({ fields, columns }: RecordBatch): (field: string) => boolean {
  return (field) => columns[fields.indexOf(field)]?.[0] !== null;
}

async function writeBatchOfOne(
  ports: WriteOnePorts,
  request: WriteRequest,
  { work, claims, effects }: PreparedWrite,
  batch: RecordBatch,
): Promise<WriteOutcome> {
  const { references } = work;
  const isAlone = effects === undefined && references === undefined && claims.length === 1;
  if (isAlone && isPlainWork(work)) {
    return outcomeOf(ports, request, batch, await ports.writer.writeGuarded(work, batch));
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
  // After the transaction: the words for a refusal take a connection of their own.
  return outcomeOf(ports, request, batch, written);
}

async function outcomeOf(
  ports: WriteOnePorts,
  request: WriteRequest,
  { ids: [id = ""] }: RecordBatch,
  { succeeded, errors: [error], refusal }: WrittenBatch,
): Promise<WriteOutcome> {
  if (refusal !== undefined) {
    return conflictRefusal(ports.tasks, refusal);
  }
  if (succeeded === 1) {
    return { kind: "WRITTEN", id };
  }
  switch (error?.code) {
    case undefined:
      throw new TypeError(`nothing is known of what became of ${request.model} ${id}`);
    case "RECORD_MISSING":
      return missing(request, id);
    case "STALE_RECORD":
      return describeStale(ports.models.get(request.model), request, id);
    default:
      return invalid([problem(error?.message ?? "", error?.field, error?.code)]);
  }
}

function missing({ model }: WriteRequest, id: string): MissingRefusal {
  return { kind: "MISSING", message: `There is no ${model} ${id}.` };
}

async function describeStale(
  model: Model,
  request: WriteRequest,
  id: string,
): Promise<StaleRefusal | MissingRefusal> {
  const expected = "expected" in request ? request.expected : undefined;
  const field = updatedAtField(model)?.name ?? "";
  const current = await expected?.readCurrent();
  if (expected === undefined || current === null || current === undefined) {
    return missing(request, id);
  }
  const actual = current[field];
  const now = actual instanceof Date ? `it is ${actual.toISOString()}` : "it has none";
  const wanted = new Date(expected.updatedAt ?? "").toISOString();
  return {
    kind: "STALE",
    message: `${model.name} ${id} has changed since it was read: ${field} was expected to be ${wanted}, and ${now}. Look at the current record, and write again with its ${field}.`,
    current,
  };
}

/**
 * Whether an upsert was refused because another write of the same record came first: the refusal may name any unique
 * value of the record. The other write's record is there by now, so it is updated.
 */
async function isThereByNow(
  { reader, access }: WriteOnePorts,
  { model, viewer }: WriteRequest,
  { ids }: RecordBatch,
  outcome: WriteOutcome,
): Promise<boolean> {
  const isRefused =
    outcome.kind === "INVALID" && outcome.problems.some(({ code }) => code === "CONSTRAINT_VIOLATED");
  return isRefused && (await reader.existingIds(model, ids, access.scope(model, viewer))).length > 0;
}

/** No record has an empty id: a guard on it enters the model, and only a claim on the whole model is in its way. */
const NO_RECORD = "";

/**
 * Guards the claims, and enters the models of possible side effects in the same call. Claims take their models' locks
 * one after the other in a fixed order, and so does a guard, but only within one call: a model entered in a later one
 * could be another claim's first, waiting for this transaction in its second. Here all are entered in order, before any
 * row is locked; later calls find them entered, so they wait for nobody.
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
  // A task that has a whole model is in the way only if there are records of it to change: that is seen later.
  const conflicts = guard.conflicts.filter(({ model }) => !entered.has(model));
  const passed = guard.conflicts.length - conflicts.length;
  return conflicts.length === 0
    ? undefined
    : { ...guard, conflicts, totalConflicts: guard.totalConflicts - passed };
}

/** Guards what the write changes besides its record. */
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
