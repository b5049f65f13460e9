import type { Logger } from "../../kernel/logger.ts";
import type { Claim, LockScopes } from "../locks/claim.ts";
import type { LockStore } from "../locks/lock-store.ts";
import { untilUnstopped } from "../locks/open-write.ts";
import type { Access } from "../access/access.ts";
import type { Model } from "../records/model.ts";
import type { RecordHooks } from "../records/record-hooks.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { EffectPlan, SideEffects } from "../records/side-effects.ts";
import { invalid } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { TaskStore } from "../tasks/task-store.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { EncodePorts } from "./encode-rows.ts";
import type { FindPorts } from "./find-rows.ts";
import { guardEffects, guardFirst } from "./guard-effects.ts";
import { operationsOf } from "./hook-batch.ts";
import { claimsOfLinks, missingLinks } from "./linked-records.ts";
import { newIdsOf } from "./named-batch.ts";
import type { RecordWork, RecordWriter, WrittenBatch } from "./record-writer.ts";
import { isPlainWork } from "./record-writer.ts";
import type { WriteOutcome } from "./write-outcome.ts";
import { missingRecord, outcomeOf } from "./write-outcome.ts";
import type { ParsedRequest, WriteRequest } from "./write-request.ts";
import { parseWrite } from "./write-request.ts";
import { scopeChecksOf, updatedFieldsOf, writtenFieldsOf } from "./written-fields.ts";

/** The use case behind every single write. An upsert is never MISSING. */
export type WriteOne = (request: WriteRequest) => Promise<WriteOutcome>;

/** What single writes need. */
export interface WriteOnePorts extends EncodePorts, FindPorts {
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
  const { links, isAbsent, name } = parsed.value;
  const unlinked = await missingLinks(ports, request.viewer, links);
  if (unlinked.length > 0) {
    return invalid(unlinked);
  }
  if (isAbsent && request.operation !== "UPSERT") {
    return missingRecord({ model, name });
  }
  const write = await prepareWrite(ports, model, request, parsed.value);
  return request.operation === "UPSERT"
    ? upsertOne(ports, request, write, parsed.value)
    : writeBatchOfOne(ports, request, write, parsed.value);
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
      guardReached: effects && ((transaction, ids) => guardEffects(ports.locks, transaction, effects, ids)),
    },
    claims: [
      { model: model.name, ids: idsOf(batch), scope: lockScopeOf(model.name) },
      ...claimsOfLinks(links, lockScopeOf),
    ],
    effects,
  };
}

/** The ids to guard: also the one that a record gets if it is named by another key and not there. */
function idsOf(batch: RecordBatch): readonly string[] {
  return [...new Set([...batch.ids, ...newIdsOf(batch).flatMap((id) => id ?? [])])];
}

/** Whether the batch has a value other than null for a field: null refers to nothing. */
function hasValueIn({ fields, columns }: RecordBatch): (field: string) => boolean {
  return (field) => columns[fields.indexOf(field)]?.[0] !== null;
}

async function writeBatchOfOne(
  ports: WriteOnePorts,
  request: WriteRequest,
  write: PreparedWrite,
  parsed: ParsedRequest,
): Promise<WriteOutcome> {
  const { model } = write.work;
  const { batch, name } = parsed;
  const expected = "expected" in request ? request.expected : undefined;
  const written = await tryWrite(ports, write, parsed);
  const [id = ""] = written.ids ?? batch.ids;
  // After the transaction: to describe a refusal takes another connection.
  return outcomeOf(ports, { model, id, name, expected, operation: request.operation }, written);
}

/** Whether only the record itself is changed and guarded, and only the database can refuse that. */
function isOfOneRecord({ work, claims, effects }: PreparedWrite): boolean {
  return effects === undefined && work.references === undefined && claims.length === 1 && isPlainWork(work);
}

async function tryWrite(
  { writer, locks }: WriteOnePorts,
  write: PreparedWrite,
  { batch, name }: ParsedRequest,
): Promise<WrittenBatch> {
  const { work, claims, effects } = write;
  // A key is looked up again in the transaction that writes.
  if (name?.kind !== "KEY" && isOfOneRecord(write)) {
    return writer.writeGuarded(work, batch);
  }
  const reached = [...(effects?.models ?? []), ...(work.references?.models ?? [])];
  return untilUnstopped<WrittenBatch>(
    ({ entered }) =>
      writer.run<WrittenBatch>(work, async (transaction) => {
        const refusal = await guardFirst(locks, transaction, claims, [...reached, ...entered]);
        if (refusal !== undefined) {
          return { rollBack: { succeeded: 0, errors: [], refusal } };
        }
        const done = await writer.writeBatch(transaction, work, batch);
        return done.succeeded === 1 ? { commit: done } : { rollBack: done };
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
  const scope = access.scope(model.name, viewer);
  if (name?.kind !== "KEY") {
    return (await reader.existingIds(model.name, batch.ids, scope)).length > 0;
  }
  const columns = name.texts.map((text) => [text]);
  const found = await named.find(model, name.unique, columns, scope);
  return "value" in found && found.value.some(({ id }) => id !== undefined);
}
