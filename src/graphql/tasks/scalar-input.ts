import { momentPartOf } from "../../kernel/date-time-text.ts";
import type { Json } from "../../kernel/json.ts";
import { DATE_TIME_SCALAR } from "../scalars.ts";
import type { JsonSchema } from "./json-schema.ts";

/** The scalars of inputs. `JSON` stands for what GraphQL cannot express. */
export type ScalarName = "Boolean" | "DateTime" | "Float" | "Int" | "JSON" | "String";

const MAX_INT = 2 ** 31 - 1;
const MIN_INT = -(2 ** 31);

/** The scalar of a schema's plain values; undefined for values that are not plain. */
export function scalarOf(shape: JsonSchema): ScalarName | undefined {
  if (shape.enum !== undefined) {
    return (["Boolean", "Int", "Float"] as const).find((name) =>
      shape.enum?.every((value) => fitsScalar(name, value)),
    );
  }
  if (shape.type === "integer") {
    return fitsInt(shape) ? "Int" : "Float";
  }
  if (shape.type === "string") {
    return isMoment(shape) ? "DateTime" : "String";
  }
  return shape.type === "boolean" ? "Boolean" : shape.type === "number" ? "Float" : undefined;
}

/** Whether the bounds leave only whole numbers of 32 bits. `Int` takes no others; of `Float`, the schema refuses fractions. */
function fitsInt(shape: JsonSchema): boolean {
  const lowest = Math.max(shape.minimum ?? -Infinity, shape.exclusiveMinimum ?? -Infinity);
  const highest = Math.min(shape.maximum ?? Infinity, shape.exclusiveMaximum ?? Infinity);
  return lowest >= MIN_INT && highest <= MAX_INT;
}

/** A moment as `DateTime` hands it on. */
const SAMPLE_MOMENT = "2026-01-31T12:00:00.000Z";

/** Whether the texts are moments, and may be written in UTC, to the millisecond. */
function isMoment({ format, pattern }: JsonSchema): boolean {
  return format === "date-time" && (pattern === undefined || matches(pattern, SAMPLE_MOMENT));
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return false;
  }
}

/** Whether the scalar takes the value, and hands it on as it is. */
export function fitsScalar(name: ScalarName, value: Json): boolean {
  switch (name) {
    case "Boolean":
      return typeof value === "boolean";
    case "Int":
      return Number.isInteger(value) && Number(value) >= MIN_INT && Number(value) <= MAX_INT;
    case "Float":
      return typeof value === "number";
    case "String":
      return typeof value === "string";
    case "DateTime":
      return isWrittenAlike(value);
    case "JSON":
      // A schema cannot print every JSON value as a default.
      return false;
  }
}

function isWrittenAlike(value: Json): boolean {
  try {
    return (
      typeof value === "string" &&
      momentPartOf(value) === undefined &&
      DATE_TIME_SCALAR.parseValue(value) === value
    );
  } catch {
    return false;
  }
}

/** What a schema demands of plain values and lists, in words for a description: `A whole number, from 1 to 10.` */
export function describeDemands(shape: JsonSchema): string {
  const isWhole = shape.type === "integer" && !fitsInt(shape);
  const demands = [
    ...(shape.enum === undefined ? [] : [`one of ${shape.enum.map(String).join(", ")}`]),
    ...(isWhole ? ["a whole number"] : []),
    ...rangeOf(without64Bits(shape.minimum), without64Bits(shape.maximum), ""),
    ...(shape.exclusiveMinimum === undefined ? [] : [`more than ${shape.exclusiveMinimum}`]),
    ...(shape.exclusiveMaximum === undefined ? [] : [`less than ${shape.exclusiveMaximum}`]),
    ...rangeOf(shape.minLength, shape.maxLength, " characters"),
    ...rangeOf(shape.minItems, shape.maxItems, " items"),
    ...(shape.format === undefined || isMoment(shape) ? [] : [`in the format ${shape.format}`]),
  ].join(", ");
  return demands === "" ? "" : `${demands.charAt(0).toUpperCase()}${demands.slice(1)}.`;
}

/** The bounds that every whole number of JavaScript has tell a reader nothing. */
function without64Bits(bound: number | undefined): number | undefined {
  return bound !== undefined && Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound;
}

function rangeOf(lowest: number | undefined, highest: number | undefined, unit: string): readonly string[] {
  if (lowest !== undefined && highest !== undefined) {
    return [lowest === highest ? `exactly ${lowest}${unit}` : `${lowest} to ${highest}${unit}`];
  }
  return lowest === undefined
    ? highest === undefined
      ? []
      : [`at most ${highest}${unit}`]
    : [`at least ${lowest}${unit}`];
}
