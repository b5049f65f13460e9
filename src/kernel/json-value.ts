import type { Json } from "./json.ts";

/** A column's value as JSON carries it: BigInt and Decimal as text, DateTime in ISO 8601, Bytes in base64. What is JSON stays as it is. */
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

/** Prisma's Decimal is decimal.js's; its class is bundled, so it is told by its methods. */
function isDecimal(value: unknown): value is { toString(): string; toDecimalPlaces: unknown } {
  return typeof (value as { toDecimalPlaces?: unknown }).toDecimalPlaces === "function";
}
