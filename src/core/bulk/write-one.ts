import type { Logger } from "../../kernel/logger.ts";
import { mergeClaims } from "../locks/claim.ts";
import { untilUnstopped } from "../locks/open-write.ts";
import type { ColumnField, Model } from "../records/model.ts";
import type { RecordReader } from "../records/record-reader.ts";
import { invalid } from "../refusals/problems.ts";
import type { RecordProblem, ValidationRefusal } from "../refusals/problems.ts";
import type { ForbiddenRefusal } from "../refusals/refusals.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { EncodePorts } from "./encode-rows.ts";
import type { FindPorts } from "./find-rows.ts";
import { guardFirst } from "./guard-effects.ts";
import { missingLinks } from "./linked-records.ts";
import type { NestedPart } from "./nested-write.ts";
import { parseNested } from "./nested-write.ts";
import type { PreparedWrite, PreparePorts } from "./prepare-write.ts";
import { prepareWrite } from "./prepare-write.ts";
import type { RecordWriter, WrittenBatch } from "./record-writer.ts";
import { isPlainWork } from "./record-writer.ts";
import type { WriteOutcome } from "./write-outcome.ts";
import { missingRecord, outcomeOf } from "./write-outcome.ts";
import type { ParsedRequest, WriteRequest } from "./write-request.ts";
import { refuseRows, refuseWrite } from "./write-rights.ts";
import { parseWrite } from "./write-request.ts";

/** The use case behind every single write. An upsert is never MISSING. */
export type WriteOne = (request: WriteRequest) => Promise<WriteOutcome>;

/** What single writes need. */
export interface WriteOnePorts extends EncodePorts, FindPorts, PreparePorts {
  readonly reader: RecordReader;
  readonly writer: RecordWriter;
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
  const operation = request.operation === "UPDATE" ? "UPDATE_EACH" : request.operation;
  const forbidden = refuseWrite(ports.access, request.viewer, model, operation, fieldsOf(request));
  if (forbidden !== undefined) {
    return forbidden;
  }
  const parsed = await parseWrite(ports, model, request);
  if ("problems" in parsed) {
    return invalid(parsed.problems);
  }
  const { batch, links, isAbsent, name } = parsed.value;
  const unlinked = links.length === 0 ? [] : await missingLinks(ports, request.viewer, links);
  if (unlinked.length > 0) {
    return invalid(unlinked);
  }
  if (isAbsent && request.operation !== "UPSERT") {
    return missingRecord({ model, name });
  }
  const write = await prepareWrite(ports, request.viewer, { model, operation, batch, links });
  if (request.operation === "UPSERT") {
    return upsertOne(ports, request, write, parsed.value);
  }
  const nested = await prepareNested(ports, model, request, batch.ids[0] ?? "");
  if ("kind" in nested) {
    return nested;
  }
  return writeBatchOfOne(ports, request, write, parsed.value, nested);
}

/** The fields that the caller names. */
function fieldsOf(request: WriteRequest): readonly string[] {
  switch (request.operation) {
    case "CREATE":
    case "UPDATE":
      return [...Object.keys(request.data), ...Object.keys(request.nested ?? {})];
    case "UPSERT":
      return [...Object.keys(request.create), ...Object.keys(request.update)];
    case "DELETE":
      return [];
  }
}

/** Records that are written together with the one, after it. */
type NestedWrite = PreparedWrite & Pick<NestedPart, "problemOf">;

async function prepareNested(
  ports: WriteOnePorts,
  model: Model,
  request: WriteRequest,
  id: string,
): Promise<readonly NestedWrite[] | ForbiddenRefusal | ValidationRefusal> {
  if (!("nested" in request) || request.nested === undefined) {
    return [];
  }
  const { viewer, nested } = request;
  const parsed = await parseNested(ports, viewer, model, id, nested);
  if ("problems" in parsed) {
    return invalid(parsed.problems);
  }
  for (const { model: target, operation, named } of parsed.value) {
    const forbidden = refuseRows(ports.access, viewer, target, operation, named);
    if (forbidden !== undefined) {
      return forbidden;
    }
  }
  const links = parsed.value.flatMap((part) => part.links);
  const problems = await missingLinks(ports, viewer, links);
  return problems.length > 0
    ? invalid(problems)
    : Promise.all(
        parsed.value.map(async (part) => ({
          ...(await prepareWrite(ports, viewer, part)),
          problemOf: part.problemOf,
        })),
      );
}

/** Tries again where another write creates the record first. */
async function upsertOne(
  ports: WriteOnePorts,
  request: WriteRequest,
  write: PreparedWrite,
  parsed: ParsedRequest,
): Promise<WriteOutcome> {
  const { model, hooks } = write.work;
  // Hooks must not run twice for an update that is refused: there was no race to lose.
  const wasThere =
    parsed.name?.kind === "KEY"
      ? !parsed.isAbsent
      : hooks !== undefined && (await isThere(ports, model, request, parsed));
  const outcome = await writeBatchOfOne(ports, request, write, parsed);
  const wasRaced = !wasThere && (await lostToOtherCreate(ports, model, request, parsed, outcome));
  return wasRaced ? writeBatchOfOne(ports, request, write, parsed) : outcome;
}

async function writeBatchOfOne(
  ports: WriteOnePorts,
  request: WriteRequest,
  write: PreparedWrite,
  { name }: ParsedRequest,
  nested: readonly NestedWrite[] = [],
): Promise<WriteOutcome> {
  const { work, batch } = write;
  const expected = "expected" in request ? request.expected : undefined;
  // A key is looked up again in the transaction that writes.
  const isPlain = name?.kind !== "KEY" && nested.length === 0 && isOfOneRecord(write);
  const written = isPlain
    ? await ports.writer.writeGuarded(work, batch, returningOf(request))
    : await writeInTransaction(ports, write, nested);
  if ("problems" in written) {
    return invalid(written.problems);
  }
  const [id = ""] = written.ids ?? batch.ids;
  // After the transaction: to describe a refusal takes another connection.
  return outcomeOf(ports, { model: work.model, id, name, expected, operation: request.operation }, written);
}

function returningOf(request: WriteRequest): readonly ColumnField[] | undefined {
  return "returning" in request ? request.returning : undefined;
}

/** Whether only the record itself is changed and guarded, and only the database can refuse that. */
function isOfOneRecord({ work, claims, effects }: PreparedWrite): boolean {
  return effects === undefined && work.references === undefined && claims.length === 1 && isPlainWork(work);
}

/** How a write with nested records ends: what became of the record, or the problems of nested ones. */
type Written = WrittenBatch | { readonly problems: readonly RecordProblem[] };

/** Everything is guarded before anything is written. A refusal of any record undoes the whole. */
function writeInTransaction(
  { writer, locks }: WriteOnePorts,
  write: PreparedWrite,
  nested: readonly NestedWrite[],
): Promise<Written> {
  const all = [write, ...nested];
  const claims = mergeClaims(all.flatMap((each) => each.claims));
  const reached = all.flatMap(({ work, effects }) => [
    ...(effects?.models ?? []),
    ...(work.references?.models ?? []),
  ]);
  // Hooks and scopes need another kind of transaction.
  const { work: leading } = all.find(({ work }) => !isPlainWork(work)) ?? write;
  return untilUnstopped<Written>(
    ({ entered }) =>
      writer.run<Written>(leading, async (transaction) => {
        const refusal = await guardFirst(locks, transaction, claims, [...reached, ...entered]);
        if (refusal !== undefined) {
          return { rollBack: { succeeded: 0, errors: [], refusal } };
        }
        const done = await writer.writeBatch(transaction, write.work, write.batch);
        if (done.succeeded !== 1) {
          return { rollBack: done };
        }
        for (const { work, batch, problemOf } of nested) {
          const { succeeded, errors, refusal: held } = await writer.writeBatch(transaction, work, batch);
          if (held !== undefined) {
            return { rollBack: { succeeded: 0, errors: [], refusal: held } };
          }
          if (succeeded !== batch.ids.length) {
            return { rollBack: { problems: errors.map(problemOf) } };
          }
        }
        return { commit: done };
      }),
    (refusal) => ({ succeeded: 0, errors: [], refusal }),
  );
}

/**
 * Whether an upsert was refused because another write created the record first: the refusal may name any unique value
 * of the record. The upsert is then tried again, as an update.
 */
async function lostToOtherCreate(
  ports: WriteOnePorts,
  model: Model,
  request: WriteRequest,
  parsed: ParsedRequest,
  outcome: WriteOutcome,
): Promise<boolean> {
  const isRefused =
    outcome.kind === "INVALID" && outcome.problems.some(({ code }) => code === "CONSTRAINT_VIOLATED");
  return isRefused && (await isThere(ports, model, request, parsed));
}

/** Whether the record is there, within the viewer's scope. */
async function isThere(
  { reader, access, named }: WriteOnePorts,
  model: Model,
  { viewer }: WriteRequest,
  { name, batch }: ParsedRequest,
): Promise<boolean> {
  const scope = access.scope(model.name, viewer, "UPDATE");
  if (name?.kind !== "KEY") {
    return (await reader.existingIds(model.name, batch.ids, scope)).length > 0;
  }
  const columns = name.texts.map((text) => [text]);
  const found = await named.find(model, name.unique, columns, scope);
  return "value" in found && found.value.some(({ id }) => id !== undefined);
}
