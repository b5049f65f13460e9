import type { Json } from "../../kernel/json.ts";
import { canonicalJson } from "../../kernel/json.ts";
import type { ColumnField } from "../records/model.ts";
import { compareOperands } from "./column-bounds.ts";

/** One operator on one column. */
export interface ColumnCondition {
  readonly field: ColumnField;
  readonly operator: string;
  readonly operand: Json;
}

/**
 * Whether every value that the column can have meets one of the conditions. Knows ranges that touch, lists of all
 * values, and conditions next to their opposite.
 * @param values all values that the column can have, for enums and booleans
 */
export function coversColumn(
  field: ColumnField,
  conditions: readonly ColumnCondition[],
  values: readonly Json[] | undefined,
): boolean {
  const has = (operator: string, operand: Json): boolean =>
    conditions.some((condition) => condition.operator === operator && condition.operand === operand);
  if (field.isList) {
    return has("isEmpty", true) && has("isEmpty", false);
  }
  const isNullCovered = !field.isNullable || has("isNull", true);
  return (
    isNullCovered &&
    (has("isNull", false) || coversValues(field, conditions, values) || coversRange(field, conditions))
  );
}

function coversValues(
  field: ColumnField,
  conditions: readonly ColumnCondition[],
  values: readonly Json[] | undefined,
): boolean {
  const wanted = new Set(operandsOf(conditions, "equals", "in"));
  if (values?.every((value) => wanted.has(canonicalJson(value))) === true) {
    return true;
  }
  const excluded = conditions
    .filter(({ operator }) => operator === "not" || operator === "notIn")
    .map((condition) => operandsOf([condition], "not", "notIn"));
  // Of other types two texts may be one value: 1.0 and 1.00.
  const isExact = values !== undefined || field.type === "Int";
  const isLetInBesides = (text: string, at: number): boolean =>
    isExact && excluded.some((others, other) => other !== at && !others.includes(text));
  return excluded.some((texts, at) => texts.every((text) => wanted.has(text) || isLetInBesides(text, at)));
}

function operandsOf(
  conditions: readonly ColumnCondition[],
  single: string,
  several: string,
): readonly string[] {
  return conditions.flatMap(({ operator, operand }) => {
    const operands = operator === single ? [operand] : operator === several ? (operand as Json[]) : [];
    return operands.map((each) => canonicalJson(each));
  });
}

/** Whether one of the conditions holds up to a value, and another one from there on. */
function coversRange(field: ColumnField, conditions: readonly ColumnCondition[]): boolean {
  const uppers = conditions.filter(({ operator }) => operator === "lt" || operator === "lte");
  const lowers = conditions.filter(({ operator }) => operator === "gt" || operator === "gte");
  return uppers.some((upper) =>
    lowers.some((lower) => {
      const order = compareOperands(field, lower.operand, upper.operand);
      const isShared = upper.operator === "lte" || lower.operator === "gte";
      return order !== undefined && (order < 0 || (order === 0 && isShared));
    }),
  );
}
