import { isAppError } from "../../kernel/app-error.ts";
import type { Model } from "./model.ts";
import type { RecordKey } from "./record-key.ts";
import { canonicalRecordId, formatRecordKey } from "./record-key.ts";

/**
 * The key's fields of which the data says otherwise than the key; those that it leaves out agree.
 * @param data its values typed as in the key, or as JSON has them
 */
export function disagreeingKeys(
  model: Model,
  data: Readonly<Record<string, unknown>>,
  key: RecordKey,
): readonly string[] {
  return model.key.flatMap(({ name }) =>
    data[name] === undefined || agrees(model, { ...key, [name]: data[name] }, key) ? [] : [name],
  );
}

/** What to do about such a field: inputs need those that have no default. */
export function remedyOfKey({ key }: Model, name: string): string {
  return key.find((field) => field.name === name)?.hasDefault === true
    ? "Leave it out, or give what id says."
    : "Give what id says.";
}

function agrees(model: Model, named: Readonly<Record<string, unknown>>, key: RecordKey): boolean {
  try {
    return canonicalRecordId(model, formatRecordKey(model, named)) === formatRecordKey(model, key);
  } catch (error) {
    // Such as a text that is no UUID: then it is not this record's key.
    if (isAppError(error, "VALIDATION_FAILED")) {
      return false;
    }
    throw error;
  }
}
