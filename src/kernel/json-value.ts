import type { Json } from "./json.ts";

/** A column's value as JSON: BigInt and Decimal as text, DateTime in ISO 8601, Bytes in base64. JSON stays as it is. */
export function toJsonValue(value: unknown): Json {
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
