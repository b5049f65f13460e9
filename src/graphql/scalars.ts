import type { PowerCrudBuilder } from "./builder.ts";
import { DATE_TIME_FORM, momentPartOf, parseMoment } from "../kernel/date-time-text.ts";
import type { Json } from "../kernel/json.ts";
import type { ListValueNode, ObjectValueNode, ValueNode, VariableNode } from "graphql";
import { GraphQLError, GraphQLScalarType, Kind } from "graphql";

/** The scalars beyond GraphQL's own. */
export function addScalars(builder: PowerCrudBuilder): void {
  builder.addScalarType("BigInt", BIG_INT_SCALAR);
  builder.addScalarType("DateTime", DATE_TIME_SCALAR);
  builder.addScalarType("Decimal", DECIMAL_SCALAR);
  builder.addScalarType("JSON", JSON_SCALAR);
  builder.addScalarType("Bytes", BYTES_SCALAR);
}

const BIG_INT_FORM = `a whole number of 64 bits, as text such as "9007199254740993" or, up to 2^53, as a number`;

/** 64-bit whole numbers. Text on the wire in both directions, since JSON numbers lose digits beyond 2^53. */
export const BIG_INT_SCALAR = new GraphQLScalarType<bigint, string>({
  name: "BigInt",
  description:
    "A whole number of 64 bits. Comes as text, since numbers beyond 2^53 lose digits in JSON; is taken as text or as a number.",
  serialize: (value) => toBigInt(value).toString(),
  parseValue: toBigInt,
  parseLiteral(node) {
    if (node.kind === Kind.INT || node.kind === Kind.STRING) {
      return toBigInt(node.value);
    }
    throw parseError("BigInt", node.kind, BIG_INT_FORM);
  },
});

function toBigInt(value: unknown): bigint {
  if (
    typeof value === "bigint" ||
    Number.isSafeInteger(value) ||
    (typeof value === "string" && /^-?\d{1,19}$/.test(value))
  ) {
    const number = BigInt(value as bigint | number | string);
    if (BigInt.asIntN(64, number) === number) {
      return number;
    }
  }
  throw parseError("BigInt", value, BIG_INT_FORM);
}

const DECIMAL_FORM = `a decimal number, as text such as "12.50" or as a number`;

/** Decimal numbers of any length. Text on the wire, so that no digit is lost. */
export const DECIMAL_SCALAR = new GraphQLScalarType<string, string>({
  name: "Decimal",
  description: "A decimal number without loss of digits. Comes as text; is taken as text or as a number.",
  serialize: String,
  parseValue: toDecimal,
  parseLiteral(node) {
    if (node.kind === Kind.INT || node.kind === Kind.FLOAT || node.kind === Kind.STRING) {
      return toDecimal(node.value);
    }
    throw parseError("Decimal", node.kind, DECIMAL_FORM);
  },
});

function toDecimal(value: unknown): string {
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  if (!/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/.test(text)) {
    throw parseError("Decimal", value, DECIMAL_FORM);
  }
  return text;
}

/** A moment, to the millisecond. Input stays text, since a day or a time of day is valid for some columns only. */
export const DATE_TIME_SCALAR = new GraphQLScalarType<string, string>({
  name: "DateTime",
  description:
    "A moment in ISO 8601: `2026-01-31T12:00:00.000Z`. Input needs an offset, and a year from 1 to 9999; for a column of days, `2026-01-31` will do, and for one of times of day, `12:00:00` in UTC. Output is always a whole moment in UTC, to the millisecond.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339",
  serialize: (value) => (value instanceof Date ? value.toISOString() : toMoment(value)),
  parseValue: toMoment,
  parseLiteral(node) {
    if (node.kind === Kind.STRING) {
      return toMoment(node.value);
    }
    throw parseError("DateTime", node.kind, DATE_TIME_FORM);
  },
});

function toMoment(value: unknown): string {
  const date = typeof value === "string" ? parseMoment(value) : undefined;
  if (date === undefined) {
    throw parseError("DateTime", value, DATE_TIME_FORM);
  }
  return momentPartOf(String(value)) === undefined ? date.toISOString() : String(value);
}

/** Any JSON value. */
export const JSON_SCALAR = new GraphQLScalarType<Json, unknown>({
  name: "JSON",
  description:
    "Any JSON value, nested at most 100 levels deep; without NUL characters and halves of characters.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc8259",
  serialize: (value) => value,
  parseValue: (value) => value as Json,
  parseLiteral: (node, variables) => fromLiteral(node, variables ?? {}),
});

function fromLiteral(node: ValueNode, variables: Readonly<Record<string, unknown>>): Json {
  if (node.kind === Kind.OBJECT) {
    const members = node.fields.map((field) => [field.name.value, fromLiteral(field.value, variables)]);
    return Object.fromEntries(members) as Json;
  }
  if (node.kind === Kind.LIST) {
    return node.values.map((item) => fromLiteral(item, variables));
  }
  if (node.kind === Kind.VARIABLE) {
    return (variables[node.name.value] ?? null) as Json;
  }
  return fromLeaf(node);
}

function fromLeaf(node: Exclude<ValueNode, ObjectValueNode | ListValueNode | VariableNode>): Json {
  switch (node.kind) {
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.ENUM:
      throw parseError("JSON", node.value, "JSON; put quotes around text");
  }
}

const BYTES_FORM = "bytes in base64";

/** Bytes in base64 (RFC 4648, section 4). */
export const BYTES_SCALAR = new GraphQLScalarType<Uint8Array, string>({
  name: "Bytes",
  description: "Bytes in base64, with padding.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc4648#section-4",
  serialize(value) {
    if (value instanceof Uint8Array) {
      return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
    }
    throw parseError("Bytes", typeof value, BYTES_FORM);
  },
  parseValue: toBytes,
  parseLiteral(node) {
    if (node.kind === Kind.STRING) {
      return toBytes(node.value);
    }
    throw parseError("Bytes", node.kind, BYTES_FORM);
  },
});

function toBytes(value: unknown): Uint8Array {
  // Node's decoder skips what it does not know, so the form is checked first.
  if (typeof value !== "string" || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
    throw parseError("Bytes", value, BYTES_FORM);
  }
  return new Uint8Array(Buffer.from(value, "base64"));
}

/** The error for a value that a scalar does not accept. */
function parseError(scalar: string, value: unknown, expected: string): GraphQLError {
  const text = typeof value === "bigint" ? value.toString() : (JSON.stringify(value) ?? String(value));
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return new GraphQLError(`${scalar} cannot represent ${shown}: expected ${expected}.`);
}
