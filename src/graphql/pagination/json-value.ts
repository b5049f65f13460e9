import type { Json } from "../../kernel/json.ts";

/** A column's value as JSON carries it: BigInt and Decimal as text, DateTime in ISO 8601, Bytes in base64. */
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
    return value.map((item: unknown) => toJsonValue(item));
  }
  if (typeof value === "bigint" || isDecimal(value)) {
    return value.toString();
  }
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toJsonValue(inner)]));
  }
  return value as Json;
}

/** Prisma's Decimal is decimal.js's; its class is bundled, so it is told by its methods. */
function isDecimal(value: unknown): value is { toString(): string; toDecimalPlaces: unknown } {
  return typeof (value as { toDecimalPlaces?: unknown }).toDecimalPlaces === "function";
}
