import type { Model } from "./model.ts";
import { updatedAtField } from "./model.ts";
import type { Write } from "./guarded-write.ts";
import type { RecordKey } from "./record-key.ts";
import type { WriteOutcome } from "./write-outcome.ts";
import type { WritePorts } from "./write-ports.ts";
import type { WriteRefusal } from "./write-refusal.ts";
import { missing } from "./write-refusal.ts";
import type { ExpectedState } from "./write-request.ts";

/** The record that a write is about. */
interface Target {
  readonly key: RecordKey;
  readonly id: string;
  readonly expected: ExpectedState | undefined;
}

/**
 * Whether the record is within the viewer's scope and in the expected state; locks it, so that it stays so. Asks only
 * where there is a scope or an expectation: without, the write itself finds out whether the record is there.
 * @returns the refusal, or undefined when the write may go on
 */
export async function refuseUnreached(
  ports: WritePorts,
  { transaction, model, request }: Write,
  { key, id, expected }: Target,
): Promise<WriteRefusal | undefined> {
  const scope = ports.access.scope(model.name, request.viewer);
  if (scope === undefined && expected === undefined) {
    return undefined;
  }
  const found = await ports.writer.lockForWrite(transaction, model.name, key, scope, expected?.shape);
  if (found === undefined) {
    return missing(model, id);
  }
  return expected === undefined ? undefined : refuseStale(model, id, found, expected.updatedAt);
}

function refuseStale(
  model: Model,
  id: string,
  current: Readonly<Record<string, unknown>>,
  expected: Date,
): WriteRefusal | undefined {
  const field = updatedAtField(model);
  if (field === undefined) {
    throw new TypeError(`${model.name} has no @updatedAt field to compare with`);
  }
  const actual = current[field.name] as Date | null | undefined;
  if (actual === undefined) {
    throw new TypeError(`the shape for a stale ${model.name} leaves out ${field.name}`);
  }
  if (actual?.getTime() === expected.getTime()) {
    return undefined;
  }
  const now = actual === null ? "it has none" : `it is ${actual.toISOString()}`;
  const outcome: WriteOutcome = {
    kind: "STALE",
    message: `${model.name} ${id} has changed since it was read: ${field.name} was expected to be ${expected.toISOString()}, and ${now}. Look at the current record, and write again with its ${field.name}.`,
    current,
  };
  return { rollBack: outcome };
}
