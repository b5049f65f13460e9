import { isAppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { LockStore } from "../locks/lock-store.ts";
import { conflictRefusal } from "../tasks/conflict-refusal.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import type { Decision } from "../transactions/run-or-roll-back.ts";
import { runOrRollBack } from "../transactions/run-or-roll-back.ts";
import type { Transaction, UnitOfWork } from "../transactions/transaction.ts";
import { andFilters } from "./access.ts";
import type { Model } from "./model.ts";
import { relationsOf } from "./model.ts";
import { claimsOf, linksOf, missingLinks } from "./record-links.ts";
import type { RecordKey } from "./record-key.ts";
import { formatRecordKey, parseRecordKey } from "./record-key.ts";
import type { RecordProblem } from "./record-problem.ts";
import type { RecordData, RecordWriter, WriteResult } from "./record-writer.ts";
import type { RecordReader } from "./record-reader.ts";
import type { ScopePorts } from "./scoped-filter.ts";
import type { WhereFilter } from "./selection.ts";
import type { Viewer } from "./viewer.ts";
import type { WriteOutcome } from "./write-outcome.ts";

/** What single writes need. */
export interface WritePorts extends ScopePorts {
  /** Opens the transactions that `writer` and `locks` take part in. */
  readonly unitOfWork: UnitOfWork;
  readonly writer: RecordWriter;
  readonly reader: RecordReader;
  readonly locks: LockStore;
  readonly tasks: Pick<TaskStore, "find">;
  readonly logger: Logger;
}

/** What every single write is told; `shape` says what to hand back, in the record writer's terms. */
interface WriteRequest {
  readonly model: string;
  readonly viewer: Viewer;
  readonly shape: unknown;
}

export interface CreateRequest extends WriteRequest {
  readonly data: RecordData;
}

export interface UpdateRequest extends WriteRequest {
  readonly id: string;
  readonly data: RecordData;
}

export interface DeleteRequest extends WriteRequest {
  readonly id: string;
}

/** The use cases behind single writes: in one transaction, never against a task's lock, within the viewer's scope. */
export interface WriteRecords {
  create(request: CreateRequest): Promise<WriteOutcome>;
  update(request: UpdateRequest): Promise<WriteOutcome>;
  delete(request: DeleteRequest): Promise<WriteOutcome>;
}

/** No record has an empty id, so only a claim on the whole model is in its way: the guard of a record yet unnumbered. */
const ANY_NEW_RECORD = "";

/** A write within its transaction. */
interface Write {
  readonly transaction: Transaction;
  readonly model: Model;
  readonly request: WriteRequest;
}

/** Wires the use cases. */
export function createWriteRecords(ports: WritePorts): WriteRecords {
  return {
    create: (request) => createRecord(ports, request),
    update: (request) => updateRecord(ports, request),
    delete: (request) => deleteRecord(ports, request),
  };
}

function createRecord(ports: WritePorts, request: CreateRequest): Promise<WriteOutcome> {
  const model = ports.models.get(request.model);
  const create = (id: string): Promise<WriteOutcome> =>
    guarded(ports, request, id, request.data, async (write) => {
      const result = await ports.writer.create(write.transaction, model.name, request.data, request.shape);
      return finish(ports, write, result, request.data, undefined);
    });
  const isKeyed = model.key.every((field) => request.data[field.name] !== undefined);
  return isKeyed
    ? keyed(model, formatRecordKey(model, request.data), (_key, id) => create(id))
    : create(ANY_NEW_RECORD);
}

function updateRecord(ports: WritePorts, request: UpdateRequest): Promise<WriteOutcome> {
  const model = ports.models.get(request.model);
  return keyed(model, request.id, (key, id) =>
    guarded(ports, request, id, request.data, async (write) => {
      if (await isOutOfReach(ports, write, key)) {
        return missing(model, id);
      }
      const result = await ports.writer.update(
        write.transaction,
        model.name,
        key,
        request.data,
        request.shape,
      );
      return isMissing(result) ? missing(model, id) : finish(ports, write, result, request.data, key);
    }),
  );
}

function deleteRecord(ports: WritePorts, request: DeleteRequest): Promise<WriteOutcome> {
  const model = ports.models.get(request.model);
  return keyed(model, request.id, (key, id) =>
    guarded(ports, request, id, {}, async (write) => {
      if (await isOutOfReach(ports, write, key)) {
        return missing(model, id);
      }
      const result = await ports.writer.delete(write.transaction, model.name, key, request.shape);
      if (isMissing(result)) {
        return missing(model, id);
      }
      return "problem" in result
        ? refuse([result.problem])
        : { commit: { outcome: "WRITTEN", record: result.record } };
    }),
  );
}

/** With the typed key and the canonical id; a malformed id is the caller's mistake, so a refusal. */
async function keyed(
  model: Model,
  id: string,
  write: (key: RecordKey, id: string) => Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  let key: RecordKey;
  try {
    key = parseRecordKey(model, id);
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    return refuse([{ code: "VALIDATION_FAILED", message: error.message, field: "id" }]).rollBack;
  }
  return write(key, formatRecordKey(model, key));
}

/**
 * Runs the write in a transaction in which no task can take the record, nor those that it is linked with; refuses
 * when one has them already.
 */
async function guarded(
  ports: WritePorts,
  request: WriteRequest,
  id: string,
  data: RecordData,
  write: (write: Write) => Promise<Decision<WriteOutcome>>,
): Promise<WriteOutcome> {
  const model = ports.models.get(request.model);
  const links = linksOf(ports.models, model, data);
  try {
    // Over a connection of its own, so before the transaction: each holding one and waiting for a second would be a deadlock.
    const problems = await missingLinks(ports, request.viewer, links);
    if (problems.length > 0) {
      return refuse(problems).rollBack;
    }
    return await runOrRollBack<WriteOutcome>(ports.unitOfWork, async (transaction) => {
      const guard = await ports.locks.guard(transaction, claimsOf(model, id, links));
      return guard.isGranted
        ? write({ transaction, model, request })
        : { rollBack: await conflictRefusal(ports.tasks, guard) };
    });
  } catch (error) {
    if (!isAppError(error, "UNAVAILABLE")) {
      throw error;
    }
    ports.logger.warn({ err: error }, "a write was refused: a store is out of reach");
    return { outcome: "UNAVAILABLE", message: error.message };
  }
}

/** Asked only where the viewer has a scope: without one, the write itself finds out whether the record is there. */
async function isOutOfReach(
  ports: WritePorts,
  { transaction, model, request }: Write,
  key: RecordKey,
): Promise<boolean> {
  const scope = ports.access.scope(model.name, request.viewer);
  return (
    scope !== undefined &&
    (await ports.writer.lockForWrite(transaction, model.name, key, scope, undefined)) === undefined
  );
}

/** After the write, still inside: what was written must be within the viewer's scope, and so must what it refers to. */
async function finish(
  ports: WritePorts,
  write: Write,
  result: WriteResult,
  data: RecordData,
  key: RecordKey | undefined,
): Promise<Decision<WriteOutcome>> {
  if ("problem" in result) {
    return refuse([result.problem]);
  }
  const { model, transaction } = write;
  const written = result.record as Readonly<Record<string, unknown>>;
  for (const { within, problem } of scopeChecks(ports, write, data)) {
    const at = Object.fromEntries(
      model.key.map(({ name }) => [name, data[name] ?? key?.[name] ?? written[name]]),
    ) as RecordKey;
    if ((await ports.writer.lockForWrite(transaction, model.name, at, within, undefined)) === undefined) {
      return refuse([problem]);
    }
  }
  return { commit: { outcome: "WRITTEN", record: result.record } };
}

function scopeChecks(
  ports: WritePorts,
  { model, request }: Write,
  data: RecordData,
): readonly { readonly within: WhereFilter; readonly problem: RecordProblem }[] {
  const own = ports.access.scope(model.name, request.viewer);
  const references = relationsOf(model).flatMap((field) => {
    const scope = ports.access.scope(field.type, request.viewer);
    const isSet = field.foreignKey.some((name) => data[name] !== undefined && data[name] !== null);
    const [first] = field.foreignKey;
    return scope === undefined || !isSet || first === undefined
      ? []
      : [{ within: { [field.name]: { is: scope } }, problem: foreignProblem(first) }];
  });
  const scope = andFilters(own);
  return scope === undefined
    ? references
    : [...references, { within: scope, problem: outsideProblem(model) }];
}

/** In the words of the database for a key that is not there: the two are not to be told apart. */
function foreignProblem(field: string): RecordProblem {
  return {
    code: "CONSTRAINT_VIOLATED",
    field,
    message: `${field}: there is no record of that key to refer to.`,
  };
}

function outsideProblem(model: Model): RecordProblem {
  return { code: "VALIDATION_FAILED", message: `You may not write a ${model.name} with these values.` };
}

function isMissing(result: WriteResult): boolean {
  return "problem" in result && result.problem.code === "RECORD_MISSING";
}

function missing(model: Model, id: string): { readonly rollBack: WriteOutcome } {
  return { rollBack: { outcome: "MISSING", message: `There is no ${model.name} ${id}.` } };
}

function refuse(problems: readonly RecordProblem[]): { readonly rollBack: WriteOutcome } {
  const message = problems.map((problem) => problem.message).join(" ");
  return { rollBack: { outcome: "INVALID", message, problems } };
}
