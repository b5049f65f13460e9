import type { Model, ModelRegistry } from "../records/model.ts";
import { modelNamer, updatedAtField } from "../records/model.ts";
import type { LoadedRecord } from "../records/record-lists.ts";
import type { ParsedName } from "../records/record-name.ts";
import { describeName } from "../records/record-name.ts";
import type { ValidationRefusal } from "../refusals/problems.ts";
import { invalid, problem } from "../refusals/problems.ts";
import type {
  ConflictRefusal,
  MissingRefusal,
  StaleRefusal,
  UnavailableRefusal,
  ForbiddenRefusal,
} from "../refusals/refusals.ts";
import { conflictRefusal } from "../refusals/conflict-refusal.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import type { WrittenBatch } from "./record-writer.ts";
import type { ExpectedState, WriteRequest } from "./write-request.ts";

/** A record that was written. */
interface WrittenOutcome {
  readonly kind: "WRITTEN";
  readonly id: string;
  /** As it was written, with the columns that were asked for. Left out: read it. */
  readonly record?: LoadedRecord;
}

/** How a single write ends. */
export type WriteOutcome =
  | WrittenOutcome
  | MissingRefusal
  | StaleRefusal
  | ConflictRefusal
  | ForbiddenRefusal
  | ValidationRefusal
  | UnavailableRefusal;

/** A single write that was tried. */
interface WrittenRecord {
  readonly model: Model;
  readonly id: string;
  /** As the caller named it; undefined for a new record. */
  readonly name: ParsedName | undefined;
  readonly expected: ExpectedState | undefined;
  readonly operation: WriteRequest["operation"];
}

/** How a batch of one ended, for the caller. Called after the transaction: it may read the task or the record. */
export async function outcomeOf(
  { tasks, models }: { readonly tasks: Pick<TaskStore, "find">; readonly models: ModelRegistry },
  record: WrittenRecord,
  { succeeded, errors: [error], refusal, record: written }: WrittenBatch,
): Promise<WriteOutcome> {
  const { model, id } = record;
  if (refusal !== undefined) {
    return conflictRefusal(tasks, refusal, modelNamer(models));
  }
  if (succeeded === 1) {
    return { kind: "WRITTEN", id, ...(written === undefined ? {} : { record: written }) };
  }
  if (error === undefined) {
    throw new TypeError(`the writer reported nothing about ${model.name} ${id}`);
  }
  if (error.code === "RECORD_MISSING") {
    return isNew(record) ? unkeptRecord(record) : missingRecord(record);
  }
  return error.code === "STALE_RECORD"
    ? staleRecord(record)
    : invalid([problem(error.message, error.field, error.code)]);
}

/** The refusal of a write to a record that is not there. */
export function missingRecord({ model, name }: Pick<WrittenRecord, "model" | "name">): MissingRefusal {
  return {
    kind: "MISSING",
    message: `There is no ${model.apiName} ${name === undefined ? "" : describeName(name)}.`,
  };
}

function isNew({ operation }: WrittenRecord): boolean {
  return operation === "CREATE" || operation === "UPSERT";
}

/** The new record was not stored under its key: a trigger can change the key, or drop the record. */
function unkeptRecord({ model, id }: WrittenRecord): ValidationRefusal {
  const message = `The database did not keep a ${model.apiName} with the id ${id}: a trigger of its table dropped it, or changed its key. Nothing was changed.`;
  return invalid([problem(message, undefined, "CONSTRAINT_VIOLATED")]);
}

/** The refusal has the record as it is now. */
async function staleRecord(record: WrittenRecord): Promise<StaleRefusal | MissingRefusal> {
  const { model, id, expected } = record;
  const field = updatedAtField(model)?.name ?? "";
  const current = await expected?.readCurrent();
  if (expected === undefined || current === null || current === undefined) {
    return missingRecord(record);
  }
  const actual = current[field];
  const now = actual instanceof Date ? `it is ${actual.toISOString()}` : "it has none";
  const wanted = new Date(expected.updatedAt ?? "").toISOString();
  return {
    kind: "STALE",
    message: `${model.apiName} ${id} has changed since it was read: ${field} was expected to be ${wanted}, and ${now}. Look at the current record, and write again with its ${field}.`,
    current,
  };
}
