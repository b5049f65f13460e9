import { isAppError } from "../../kernel/app-error.ts";
import type { Decision } from "../transactions/run-or-roll-back.ts";
import type { WriteSubject } from "./app-write.ts";
import { appHooksOf, completeNewRecord, writeWithApp } from "./app-write.ts";
import type { Write } from "./guarded-write.ts";
import {
  ANY_NEW_RECORD,
  guardedWrite,
  guardEffects,
  guardReferences,
  unlessUnavailable,
} from "./guarded-write.ts";
import type { Model } from "./model.ts";
import { columnsOf } from "./model.ts";
import type { RecordKey } from "./record-key.ts";
import { keyInData } from "./key-in-data.ts";
import { formatRecordKey, parseRecordKey } from "./record-key.ts";
import type { RecordData, WriteResult } from "./record-writer.ts";
import { upsertRecord } from "./upsert-record.ts";
import type { WriteOutcome } from "./write-outcome.ts";
import type { WritePorts } from "./write-ports.ts";
import { refuseUnreached } from "./write-reach.ts";
import type { WriteRefusal } from "./write-refusal.ts";
import { invalid, missing } from "./write-refusal.ts";
import type { CreateRequest, DeleteRequest, UpdateRequest, UpsertRequest } from "./write-request.ts";
import { problemOfScope } from "./written-scope.ts";

/**
 * The use cases behind single writes: in one transaction, within the viewer's scope, and never against a task's lock
 * on a record that the write changes, be it by a referential action of the database.
 */
export interface WriteRecords {
  create(request: CreateRequest): Promise<WriteOutcome>;
  update(request: UpdateRequest): Promise<WriteOutcome>;
  /** Never MISSING. */
  upsert(request: UpsertRequest): Promise<WriteOutcome>;
  delete(request: DeleteRequest): Promise<WriteOutcome>;
}

/** Wires the use cases. */
export function createWriteRecords(ports: WritePorts): WriteRecords {
  const create = (request: CreateRequest): Promise<WriteOutcome> => createRecord(ports, request);
  const update = (request: UpdateRequest): Promise<WriteOutcome> => updateRecord(ports, request);
  return {
    create,
    update,
    upsert: (request) =>
      keyed(ports.models.get(request.model), request.id, (key) =>
        upsertRecord(ports, { create, update }, request, key),
      ),
    delete: (request) => deleteRecord(ports, request),
  };
}

async function createRecord(ports: WritePorts, request: CreateRequest): Promise<WriteOutcome> {
  const { app } = ports;
  const model = ports.models.get(request.model);
  if (app === undefined || appHooksOf(ports, model, "CREATE", request) === undefined) {
    return createWith(ports, model, request, request.data);
  }
  return unlessUnavailable(ports, async () => {
    const completed = await completeNewRecord(app, model, request.data);
    return "rollBack" in completed ? completed.rollBack : createWith(ports, model, request, completed.data);
  });
}

function createWith(
  ports: WritePorts,
  model: Model,
  request: CreateRequest,
  data: RecordData,
): Promise<WriteOutcome> {
  // A new record has nothing that refers to it.
  const effects = (): Promise<undefined> => Promise.resolve(undefined);
  const written = (): readonly string[] =>
    columnsOf(model)
      .filter(({ name, hasDefault }) => data[name] !== null && (data[name] !== undefined || hasDefault))
      .map(({ name }) => name);
  const create = (id: string, key: RecordKey): Promise<WriteOutcome> =>
    guardedWrite(ports, { request, id, data, effects, written }, (write) =>
      finish(ports, write, { operation: "CREATE", id, key, data }, () =>
        ports.writer.create(write.transaction, model.name, data, request.shape),
      ),
    );
  const isKeyed = model.key.every((field) => data[field.name] !== undefined);
  return isKeyed
    ? withKey(
        model,
        () => keyInData(model, data),
        (key, id) => create(id, key),
      )
    : create(ANY_NEW_RECORD, {});
}

function updateRecord(ports: WritePorts, request: UpdateRequest): Promise<WriteOutcome> {
  const { data, expected } = request;
  const effects = (model: Model): ReturnType<WritePorts["sideEffects"]["ofUpdate"]> =>
    ports.sideEffects.ofUpdate(model, data);
  const written = (): readonly string[] => Object.keys(data).filter((name) => data[name] != null);
  return keyed(ports.models.get(request.model), request.id, (key, id) =>
    guardedWrite(ports, { request, id, data, effects, written }, async (write) => {
      const { model, transaction } = write;
      const refusal =
        (await refuseUnreached(ports, write, { key, id, expected })) ??
        (await guardEffects(ports, write, key));
      if (refusal !== undefined) {
        return refusal;
      }
      return finish(ports, write, { operation: "UPDATE", id, key, data }, () =>
        ports.writer.update(transaction, model.name, key, data, request.shape),
      );
    }),
  );
}

function deleteRecord(ports: WritePorts, request: DeleteRequest): Promise<WriteOutcome> {
  const { expected } = request;
  const effects = (model: Model): ReturnType<WritePorts["sideEffects"]["ofDelete"]> =>
    ports.sideEffects.ofDelete(model);
  return keyed(ports.models.get(request.model), request.id, (key, id) =>
    guardedWrite(ports, { request, id, data: {}, effects, written: () => [] }, async (write) => {
      const { model, transaction } = write;
      const refusal =
        (await refuseUnreached(ports, write, { key, id, expected })) ??
        (await guardEffects(ports, write, key));
      if (refusal !== undefined) {
        return refusal;
      }
      return finish(ports, write, { operation: "DELETE", id, key, data: {} }, () =>
        ports.writer.delete(transaction, model.name, key, request.shape),
      );
    }),
  );
}

type KeyedWrite = (key: RecordKey, id: string) => Promise<WriteOutcome>;

function keyed(model: Model, id: string, write: KeyedWrite): Promise<WriteOutcome> {
  return withKey(model, () => parseRecordKey(model, id), write);
}

/** With the typed key and the canonical id; a malformed one is the caller's mistake, so a refusal. */
async function withKey(model: Model, read: () => RecordKey, write: KeyedWrite): Promise<WriteOutcome> {
  let key: RecordKey;
  try {
    key = read();
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    const field = String(error.details["field"]);
    return invalid([{ code: "VALIDATION_FAILED", message: error.message, field }]).rollBack;
  }
  return write(key, formatRecordKey(model, key));
}

/**
 * Writes, and looks whether it may stay.
 * @param subject its key as far as it is known; the data, and then the written record, tell the rest
 */
async function finish(
  ports: WritePorts,
  write: Write,
  subject: WriteSubject,
  own: () => Promise<WriteResult>,
): Promise<Decision<WriteOutcome>> {
  const { id, data, operation } = subject;
  const done = await writeWithApp(ports, write, subject, own);
  if ("rollBack" in done) {
    return done;
  }
  const { result } = done;
  if (isMissing(result)) {
    return missing(write.model, id);
  }
  if ("problem" in result) {
    return invalid([result.problem]);
  }
  if (operation !== "DELETE") {
    const refusal = await refuseWritten(ports, write, data, () => writtenKey(write.model, subject, result));
    if (refusal !== undefined) {
      return refusal;
    }
  }
  await done.tell();
  return { commit: { kind: "WRITTEN", record: result.record } };
}

async function refuseWritten(
  ports: WritePorts,
  write: Write,
  data: RecordData,
  keyOf: () => RecordKey,
): Promise<WriteRefusal | undefined> {
  const problem = await problemOfScope(ports, write, data, keyOf);
  return problem === undefined ? guardReferences(ports, write, keyOf) : invalid([problem]);
}

function writtenKey(
  model: Model,
  { data, key }: WriteSubject,
  { record }: Extract<WriteResult, { record: unknown }>,
): RecordKey {
  const written = record as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    model.key.map(({ name }) => [name, data[name] ?? key[name] ?? written[name]]),
  ) as RecordKey;
}

function isMissing(result: WriteResult): boolean {
  return "problem" in result && result.problem.code === "RECORD_MISSING";
}
