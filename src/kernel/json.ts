/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/**
 * JSON with sorted keys, for content hashes: equal values give equal texts.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) {
    return `[${value.map((item: Json) => canonicalJson(item)).join(",")}]`;
  }
  if (value !== null && typeof value === "object") {
    const object = value as JsonObject;
    const members = Object.keys(object)
      .toSorted()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key] ?? null)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

/** Unicode's replacement character, for characters that cannot be stored. */
const REPLACEMENT = "\uFFFD";

/** Whether PostgreSQL can store the text: it takes neither NUL nor half of a surrogate pair, nor does JSON. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\u0000");
}

/** The text with U+FFFD for every character that PostgreSQL cannot store. */
export function toStorableText(text: string): string {
  return isStorableText(text) ? text : text.replaceAll("\u0000", REPLACEMENT).toWellFormed();
}

/** The deepest nesting that this code, Prisma and PostgreSQL can all walk through safely. */
const MAX_JSON_DEPTH = 100;

const BROKEN = "holds a NUL character or half of a character.";

/**
 * Why PostgreSQL cannot store the value, in words that begin with the place; undefined if it can.
 * @param path of the value, such as `tags.0`; empty for the whole
 */
export function describeUnstorableJson(value: Json, path = "", depth = 0): string | undefined {
  if (typeof value !== "object" || value === null) {
    const problem = describeUnstorableLeaf(value);
    return problem === undefined ? undefined : `${path === "" ? "it" : path} ${problem}`;
  }
  return depth === MAX_JSON_DEPTH
    ? `it is nested deeper than ${MAX_JSON_DEPTH} levels.`
    : describeUnstorableMember(value, path, depth + 1);
}

function describeUnstorableLeaf(value: Json): string | undefined {
  if (typeof value === "string") {
    return isStorableText(value) ? undefined : BROKEN;
  }
  // JSON has no such number: it would be written as null.
  const isInfinite = typeof value === "number" && !Number.isFinite(value);
  return isInfinite ? "is a number that is not finite, or too great." : undefined;
}

function describeUnstorableMember(
  container: readonly Json[] | { readonly [key: string]: Json },
  path: string,
  depth: number,
): string | undefined {
  for (const [key, member] of Object.entries(container) as readonly [string, Json][]) {
    if (!isStorableText(key)) {
      return path === "" ? `a key ${BROKEN}` : `a key of ${path} ${BROKEN}`;
    }
    const problem = describeUnstorableJson(member, path === "" ? key : `${path}.${key}`, depth);
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
}

/** A column's value as JSON: BigInt and Decimal as text, DateTime in ISO 8601, Bytes in base64. JSON stays as it is. */
export function toJsonValue(value: unknown): Json {
  if (typeof value === "string") {
    return value;
  }
  if (value === null || value === undefined) {
    return null;
  }
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown) => (Array.isArray(item) ? (item as Json) : toJsonValue(item)));
  }
  if (typeof value === "bigint" || isDecimal(value)) {
    return value.toString();
  }
  return value as Json;
}

/** Prisma bundles the class of its Decimal, so it is recognised by a method. */
function isDecimal(value: unknown): value is { toString(): string; toDecimalPlaces: unknown } {
  return typeof (value as { toDecimalPlaces?: unknown }).toDecimalPlaces === "function";
}
