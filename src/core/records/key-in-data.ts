import { AppError, isAppError } from "../../kernel/app-error.ts";
import type { ColumnField, Model } from "./model.ts";
import type { RecordKey } from "./record-key.ts";
import { formatRecordKey, parseRecordKey } from "./record-key.ts";

/**
 * The key that the data of a new record holds, typed. Unlike an id's, its faults are those of the fields that were given.
 * @param data the values of all of the key's fields, typed or as texts
 * @throws AppError VALIDATION_FAILED with the field that cannot be a key
 */
export function keyInData(model: Model, data: Readonly<Record<string, unknown>>): RecordKey {
  return Object.assign({}, ...model.key.map((field) => partOf(model, field, data))) as RecordKey;
}

function partOf(model: Model, field: ColumnField, data: Readonly<Record<string, unknown>>): RecordKey {
  const alone = { ...model, key: [field] };
  const text = formatRecordKey(alone, data);
  const details = { field: field.name };
  if (text === "") {
    const what = model.key.length === 1 ? "the key" : "part of the key";
    const message = `${model.name}.${field.name} cannot be empty: it is ${what}.`;
    throw new AppError("VALIDATION_FAILED", message, { details });
  }
  try {
    return parseRecordKey(alone, text);
  } catch (error) {
    throw isAppError(error, "VALIDATION_FAILED")
      ? new AppError("VALIDATION_FAILED", error.message, { details, cause: error })
      : error;
  }
}
