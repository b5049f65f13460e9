import { AppError } from "../../kernel/app-error.ts";
import { isStorableText } from "../../kernel/storable-text.ts";
import type { KeyValue } from "./key-text.ts";
import { describeKeyText, formatKeyText, parseKeyText } from "./key-text.ts";
import type { ColumnField, Model } from "./model.ts";

/** A key's values by field name, typed as Prisma wants them. */
export type RecordKey = Readonly<Record<string, KeyValue>>;

/**
 * Turns an id, as callers write it, into the key's typed values. A single key is the value's text (`2988507`,
 * `FR`). A composite key is the base64url of a JSON array of the parts' texts, in the order of `@@id`.
 *
 * @throws AppError VALIDATION_FAILED saying which model's key it is not, and what would be right
 */
export function parseRecordKey(model: Model, id: string): RecordKey {
  const [first] = model.key;
  const parts = model.key.length === 1 ? [id] : splitComposite(model, id);
  if (first === undefined || parts.length !== model.key.length) {
    throw malformed(model, id);
  }
  return Object.fromEntries(
    model.key.map((field, at) => [field.name, parsePart(model, field, parts[at] ?? "", id)]),
  );
}

/** The canonical text of a key: equal keys give equal texts, and {@link parseRecordKey} takes it back. */
export function formatRecordKey(model: Model, record: Readonly<Record<string, unknown>>): string {
  const parts = model.key.map((field) => formatKeyText(field, record[field.name]));
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? only
    : Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** The id in its canonical form: `007` becomes `7` for an integer key, a UUID lower case, a
 * moment of a day that day for a date key. @throws as {@link parseRecordKey} */
export function canonicalRecordId(model: Model, id: string): string {
  return formatRecordKey(model, parseRecordKey(model, id));
}

function splitComposite(model: Model, id: string): readonly string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(id, "base64url").toString("utf8"));
    if (Array.isArray(parts) && parts.every((part) => typeof part === "string")) {
      return parts;
    }
  } catch {
    // Not JSON: reported below, like every other malformed id.
  }
  throw malformed(model, id);
}

function parsePart(model: Model, field: ColumnField, text: string, id: string): KeyValue {
  const value = parseKeyText(field, text);
  if (value === undefined || text === "" || !isStorableText(text)) {
    throw malformed(model, id);
  }
  return value;
}

function malformed(model: Model, id: string): AppError {
  const shown = id.length > 60 ? `${id.slice(0, 57)}...` : id;
  return new AppError(
    "VALIDATION_FAILED",
    `"${shown}" is not an id of ${model.name}: expected ${describeKey(model)}.`,
    { details: { field: "id" } },
  );
}

function describeKey(model: Model): string {
  const types = model.key.map((field) => `${field.name} ${describeKeyText(field)}`);
  return model.key.length === 1 ? `the text of ${types.join("")}` : `the opaque id of (${types.join(", ")})`;
}
