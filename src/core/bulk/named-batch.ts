import type { Model } from "../records/model.ts";
import { formatRecordKey, keyInData } from "../records/record-key.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import { formatRowField, parseRowField } from "./row-field.ts";

// A batch whose records were named by a unique key has the key's values in columns of the kind KEY. The `ids` of its
// records are ids only of those that were there when the operation was accepted; each of the others has its name as a
// text (see core/records/record-name). The writer looks all of them up again.

/** The columns of a batch with the values of one field of the key. */
interface KeyColumn {
  readonly field: string;
  readonly texts: readonly (string | null)[];
}

/** The key's values, in the order of its fields; empty for a batch whose records are named by id. */
export function keyColumnsOf({ fields, columns }: RecordBatch): readonly KeyColumn[] {
  return fields.flatMap((text, at) => {
    const field = parseRowField(text);
    return field.kind === "KEY" ? [{ field: field.field, texts: columns[at] ?? [] }] : [];
  });
}

/** Whether the records of a batch are named by a key. @param fields of the batch */
export function isNamedByKey(fields: readonly string[]): boolean {
  return fields.some((text) => parseRowField(text).kind === "KEY");
}

/** The batch without the key's values: its ids say everything. */
export function withoutKeyColumns({ ids, fields, columns }: RecordBatch): RecordBatch {
  const isKept = fields.map((text) => parseRowField(text).kind !== "KEY");
  return {
    ids,
    fields: fields.filter((_text, at) => isKept[at]),
    columns: columns.filter((_column, at) => isKept[at]),
  };
}

const NEW_ID = formatRowField({ kind: "NEW_ID" });

/** The ids that the records of a batch get if they are created, by place; undefined for those that were there. */
export function newIdsOf({ ids, fields, columns }: RecordBatch): readonly (string | undefined)[] {
  const texts = columns[fields.indexOf(NEW_ID)];
  return ids.map((_id, at) => texts?.[at] ?? undefined);
}

/**
 * The ids in the values to create the records of a batch, by place; undefined where these do not have the whole key. A
 * record that was there when the operation was accepted gets this one if it is gone; nobody has claimed it.
 */
export function givenIdsOf(
  model: Model,
  { ids, fields, columns }: RecordBatch,
): readonly (string | undefined)[] {
  const parts = model.key.map(({ name }) => {
    const field = formatRowField({ kind: "VALUE", part: "create", field: name });
    return [name, columns[fields.indexOf(field)]] as const;
  });
  return ids.map((_id, at) => {
    const data = Object.fromEntries(parts.map(([name, texts]) => [name, texts?.[at] ?? undefined]));
    if (Object.values(data).some((value) => value === undefined)) {
      return undefined;
    }
    const key = keyInData(model, data);
    return "value" in key ? formatRecordKey(model, key.value) : undefined;
  });
}
