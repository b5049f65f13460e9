import type { Json } from "../../kernel/json.ts";
import type { ColumnField } from "../records/model.ts";
import type { Verdict } from "./verdict.ts";

/** The least and the greatest value that a column can hold. */
interface Bounds {
  readonly least?: Json;
  readonly greatest?: Json;
  /** Whether the database cannot hold values beyond the bounds; the API cannot in any case. */
  readonly isSure: boolean;
}

const NO_BOUNDS: Bounds = { isSure: true };
const YEAR_1 = "0001-01-01T00:00:00.000Z";
const YEAR_9999 = "9999-12-31T23:59:59.999Z";

/** The verdict if no value is less than the operand; else undefined. */
export function isLeast(field: ColumnField, operand: Json, verdict: Verdict): Verdict | undefined {
  const { least, isSure } = boundsOf(field);
  return isAtMost(field, operand, least) ? { ...verdict, isSure } : undefined;
}

/** The verdict if no value is greater than the operand; else undefined. */
export function isGreatest(field: ColumnField, operand: Json, verdict: Verdict): Verdict | undefined {
  const { greatest, isSure } = boundsOf(field);
  return isAtMost(field, greatest, operand) ? { ...verdict, isSure } : undefined;
}

/** Negative, 0 or positive, as sort wants it; undefined where only the database knows the order of the two. */
export function compareOperands(field: ColumnField, left: Json, right: Json): number | undefined {
  if (left === right) {
    return 0;
  }
  const [a, b] = [orderOf(field, left), orderOf(field, right)];
  return a === undefined || b === undefined || a === b ? undefined : a < b ? -1 : 1;
}

function isAtMost(field: ColumnField, left: Json | undefined, right: Json | undefined): boolean {
  return left !== undefined && right !== undefined && (compareOperands(field, left, right) ?? 1) <= 0;
}

function boundsOf(field: ColumnField): Bounds {
  const { nativeType = "" } = field;
  return field.kind === "enum"
    ? NO_BOUNDS
    : (NATIVE_BOUNDS.find(([pattern]) => pattern.test(nativeType))?.[1] ??
        SCALAR_BOUNDS[field.type] ??
        NO_BOUNDS);
}

/** Bounds of native types that hold other values than their scalar type. */
const NATIVE_BOUNDS: readonly (readonly [RegExp, Bounds])[] = [
  [
    /^uuid$/,
    {
      least: "00000000-0000-0000-0000-000000000000",
      greatest: "ffffffff-ffff-ffff-ffff-ffffffffffff",
      isSure: true,
    },
  ],
  [/^smallint$/, { least: -32_768, greatest: 32_767, isSure: true }],
  // It goes up to 4294967295, which is not an Int.
  [/^oid$/, { least: 0, isSure: true }],
  [/^(?:bit|inet|cidr|xml|money|time)\b/, NO_BOUNDS],
];

const SCALAR_BOUNDS: Readonly<Record<string, Bounds>> = {
  String: { least: "", isSure: true },
  Int: { least: -2_147_483_648, greatest: 2_147_483_647, isSure: true },
  BigInt: { least: "-9223372036854775808", greatest: "9223372036854775807", isSure: true },
  // The database has infinities and years before the first.
  Float: { least: -Number.MAX_VALUE, greatest: Number.MAX_VALUE, isSure: false },
  DateTime: { least: YEAR_1, greatest: YEAR_9999, isSure: false },
};

/** A number that sorts as the operand does in the database; undefined if there is none. */
function orderOf(field: ColumnField, operand: Json): number | bigint | undefined {
  switch (field.type) {
    case "Int":
    case "Float":
      return typeof operand === "number" ? operand : undefined;
    case "BigInt":
      return wholeNumberOf(operand);
    case "DateTime":
      return momentOf(field, operand);
    default:
      return undefined;
  }
}

function wholeNumberOf(operand: Json): bigint | undefined {
  const text = typeof operand === "number" || typeof operand === "string" ? String(operand) : "";
  return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

/** Columns of dates and of times of day hold only a part of the moment, so they sort differently. */
function momentOf({ nativeType = "" }: ColumnField, operand: Json): number | undefined {
  const isWhole = nativeType === "" || nativeType.startsWith("timestamp");
  return isWhole && typeof operand === "string" ? Date.parse(operand) : undefined;
}
