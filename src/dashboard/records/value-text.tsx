import { Text } from "@mantine/core";
import type { JSX } from "react";
import type { Field, Shape } from "../models/shape.ts";
import { TimeText } from "../parts/time-text.tsx";
import { count } from "../tasks/task-words.ts";

const NUMBER_TYPES = new Set(["Int", "Float", "BigInt", "Decimal"]);
const LONGEST = 200;
/** A fraction's digits beyond these say nothing in a list. */
const DIGITS = new Intl.NumberFormat("en", { maximumSignificantDigits: 6, useGrouping: false });

const NUMBERS = new Intl.NumberFormat("en");

/** Whether a column's values are aligned to the right. */
export function isNumber({ type, kind }: Pick<Field, "type" | "kind">): boolean {
  return kind === "records" || (kind === "value" && NUMBER_TYPES.has(type));
}

/** A field's value as a person reads it. */
export function ValueText({
  shape,
  field,
  value,
}: {
  shape: Shape;
  field: Field;
  value: unknown;
}): JSX.Element {
  if (value === null || value === undefined) {
    return (
      <Text span size="sm" c="dimmed" aria-label="empty">
        –
      </Text>
    );
  }
  if (field.kind === "record") {
    const record = value as Readonly<Record<string, unknown>>;
    const label = shape.labelOf(field.type);
    return <>{String((label === undefined ? undefined : record[label]) ?? record["id"])}</>;
  }
  if (field.kind === "records") {
    return <>{count((value as { count: number }).count)}</>;
  }
  if (field.type === "DateTime") {
    return <TimeText at={valueText(field.type, value)} />;
  }
  return <>{valueText(field.type, value)}</>;
}

/** A plain value as text. */
function valueText(type: string, value: unknown): string {
  if (value === null || value === undefined) {
    return "–";
  }
  if (typeof value === "boolean") {
    return value ? "yes" : "no";
  }
  if (type === "Int" || type === "BigInt") {
    return NUMBERS.format(BigInt(value as string | number));
  }
  if (typeof value === "number") {
    return Number.isInteger(value) ? String(value) : DIGITS.format(value);
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
