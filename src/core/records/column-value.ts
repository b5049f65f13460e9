import { DATE_TIME_FORM, momentPartOf, parseMoment } from "../../kernel/date-time-text.ts";
import type { Json } from "../../kernel/json.ts";
import { describeUnstorableJson, isStorableText } from "../../kernel/json.ts";
import type { ColumnField, EnumType, ScalarType } from "./model.ts";

/** One scalar type: which JSON values it takes, and a description of them for messages. */
interface ScalarRule {
  readonly expected: string;
  fits(value: Json): boolean;
}

const isInt64Text = (value: Json): boolean =>
  typeof value === "string" &&
  /^-?\d{1,19}$/.test(value) &&
  BigInt.asIntN(64, BigInt(value)) === BigInt(value);

const SCALAR_RULES: Readonly<Record<Exclude<ScalarType, "Json">, ScalarRule>> = {
  String: {
    expected: "text without NUL characters and halves of characters",
    fits: (value) => typeof value === "string" && isStorableText(value),
  },
  Int: {
    expected: "a whole number between -2147483648 and 2147483647",
    fits: (value) => Number.isInteger(value) && Math.abs(Number(value) + 0.5) <= 2_147_483_648,
  },
  BigInt: {
    expected: "a whole number of 64 bits, as text or number",
    fits: (value) => Number.isSafeInteger(value) || isInt64Text(value),
  },
  Float: { expected: "a number", fits: (value) => typeof value === "number" && Number.isFinite(value) },
  Decimal: {
    expected: "a decimal number, as text or number",
    fits: (value) =>
      (typeof value === "string" && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value)) ||
      (typeof value === "number" && Number.isFinite(value)),
  },
  Boolean: { expected: "true or false", fits: (value) => typeof value === "boolean" },
  DateTime: {
    expected: DATE_TIME_FORM,
    fits: (value) => typeof value === "string" && parseMoment(value) !== undefined,
  },
  Bytes: {
    expected: "bytes in base64",
    fits: (value) =>
      typeof value === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0,
  },
};

/** What is wrong with a value for a column, in words; undefined if it fits. */
export function describeMisfit(
  field: ColumnField,
  enums: readonly EnumType[],
  value: Json,
): string | undefined {
  if (field.isList) {
    if (!Array.isArray(value)) {
      return `needs a list, not ${show(value)}.`;
    }
    return value.map((item: Json) => describeItem(field, enums, item)).find((misfit) => misfit !== undefined);
  }
  if (value === null) {
    // JSON has a null of its own, which such a column may hold.
    return field.isNullable || field.type === "Json" ? undefined : "cannot be null.";
  }
  return describeItem(field, enums, value);
}

function describeItem(field: ColumnField, enums: readonly EnumType[], value: Json): string | undefined {
  if (field.kind === "enum") {
    const values = enums.find((type) => type.name === field.type)?.values ?? [];
    return typeof value === "string" && values.includes(value)
      ? undefined
      : `${show(value)} is not one of ${values.join(", ")}.`;
  }
  if (field.type === "Json") {
    return describeUnstorableJson(value);
  }
  // A literal such as 1e999 passes GraphQL's Float as infinity, which no answer can carry.
  if (typeof value === "number" && !Number.isFinite(value)) {
    return "needs a number that is not infinite.";
  }
  return describeScalar(field, SCALAR_RULES[field.type], value);
}

function describeScalar(field: ColumnField, rule: ScalarRule, value: Json): string | undefined {
  const isFit = rule.fits(value) && !isWrongPart(field, value);
  return isFit ? undefined : `${show(value)} is not ${rule.expected}.`;
}

/** Whether a value is a day or a time of day, while the column holds another part of a moment, or all of it. */
export function isWrongPart({ type, nativeType = "" }: ColumnField, value: unknown): boolean {
  const part = type === "DateTime" && typeof value === "string" ? momentPartOf(value) : undefined;
  const held = nativeType.startsWith("date") ? "DAY" : /^time(?!stamp)/.test(nativeType) ? "TIME" : undefined;
  return part !== undefined && part !== held;
}

function show(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
