import type { WhereFilter } from "../access/access.ts";
import { compareOperands } from "./column-bounds.ts";
import type { RelationPart } from "./fold-filter.ts";
import { foldFilter } from "./fold-filter.ts";
import type { RelationOperator } from "./operators.ts";
import { verdictOf } from "./operators.ts";
import type { Verdict } from "./verdict.ts";
import { ALWAYS, ASKS, LIKELY, NEVER, allVerdicts, anyVerdict, notVerdict } from "./verdict.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../records/model.ts";
import type { Json } from "../../kernel/json.ts";
import { canonicalJson } from "../../kernel/json.ts";

/**
 * Whether a filter asks nothing of a record, so that it selects all of them: `{}`, `{country: {is: {}}}`,
 * `{name: {gte: ""}}`, `{OR: [{id: {lt: 5}}, {id: {gte: 5}}]}`. A filter whose conditions were not filled in must not
 * silently select every record, so in doubt it counts as one: `{NOT: {}}`, `{OR: []}`, `{OR: [{id: {equals: 1}}, {}]}`,
 * and `{nickname: {contains: ""}}`, although that leaves out records without a nickname.
 */
export function asksNothing(models: ModelRegistry, model: Model, where: WhereFilter): boolean {
  const { value } = judgeFilter(models, model, where);
  return value !== "ASKS" && value !== "FALSE";
}

/** What can be said about a filter's answer without asking the database. */
export function judgeFilter(models: ModelRegistry, model: Model, where: WhereFilter): Verdict {
  return foldFilter<Judged>(models, model, where, {
    filter: (members) => ({
      verdict: allVerdicts(members.map(({ verdict }) => verdict)),
      ...(members.length === 1 ? { condition: members[0]?.condition } : {}),
    }),
    logic(operator, parts) {
      const verdicts = parts.map(({ verdict }) => verdict);
      switch (operator) {
        case "AND":
          return { verdict: allVerdicts(verdicts) };
        case "OR":
          return { verdict: areComplementary(models, parts) ? ALWAYS : anyVerdict(verdicts) };
        case "NOT":
          return { verdict: allVerdicts(verdicts.map(notVerdict)) };
      }
    },
    search: () => ({ verdict: ASKS }),
    column(field, operators) {
      const values = valuesOf(models, field);
      const members = Object.entries(operators);
      const [only] = members;
      return {
        verdict: allVerdicts(members.map(([name, operand]) => verdictOf(field, name, operand, values))),
        ...(members.length === 1 && only !== undefined
          ? { condition: { field, operator: only[0], operand: only[1] } }
          : {}),
      };
    },
    relation: (field, _target, parts) => ({
      verdict: allVerdicts(parts.map((part) => judgeRelation(field, part))),
    }),
  }).verdict;
}

interface Judged {
  readonly verdict: Verdict;
  /** The condition, if the filter is a single condition on a column. */
  readonly condition?: ColumnCondition | undefined;
}

function judgeRelation(field: RelationField, { operator, inner }: RelationPart<Judged>): Verdict {
  if (inner === null) {
    return field.isNullable ? ASKS : operator === "is" ? NEVER : ALWAYS;
  }
  const { value, isSure } = inner.verdict;
  const known = RELATION_VERDICTS[operator](field, value);
  return known === undefined ? ASKS : { ...known, isSure: known.isSure && isSure };
}

/** What follows from the verdict on the related records; undefined where it depends on the record. */
const RELATION_VERDICTS: Readonly<
  Record<RelationOperator, (field: RelationField, inner: Verdict["value"]) => Verdict | undefined>
> = {
  is: ({ isNullable }, inner) => (isNone(inner) ? NEVER : isAll(inner) && !isNullable ? ALWAYS : undefined),
  isNot: ({ isNullable }, inner) =>
    isNone(inner) ? ALWAYS : isAll(inner) && !isNullable ? NEVER : undefined,
  // It asks whether there is a related record at all.
  some: (_field, inner) => (isNone(inner) ? NEVER : undefined),
  every: (_field, inner) => (isAll(inner) ? ALWAYS : inner === "UNFILLED" ? LIKELY : undefined),
  none: (_field, inner) => (isNone(inner) ? ALWAYS : undefined),
};

function isAll(value: Verdict["value"]): boolean {
  return value === "EMPTY" || value === "TRUE";
}

function isNone(value: Verdict["value"]): boolean {
  return value === "FALSE" || value === "UNFILLED";
}

/** Whether alternatives on one column cover all of its values: less than 5, or 5 and more. */
function areComplementary(models: ModelRegistry, parts: readonly Judged[]): boolean {
  const byField = new Map<ColumnField, ColumnCondition[]>();
  for (const { condition } of parts) {
    if (condition !== undefined) {
      byField.set(condition.field, [...(byField.get(condition.field) ?? []), condition]);
    }
  }
  return [...byField].some(([field, conditions]) => coversColumn(field, conditions, valuesOf(models, field)));
}

/** All values of an enum's or a boolean's column. */
function valuesOf(models: ModelRegistry, field: ColumnField): readonly Json[] | undefined {
  if (field.kind === "enum") {
    return models.enums().find(({ name }) => name === field.type)?.values;
  }
  return field.type === "Boolean" ? [true, false] : undefined;
}

/** One operator on one column. */
interface ColumnCondition {
  readonly field: ColumnField;
  readonly operator: string;
  readonly operand: Json;
}

/**
 * Whether every value that the column can have meets one of the conditions. Knows ranges that touch, lists of all
 * values, and conditions next to their opposite.
 * @param values all values that the column can have, for enums and booleans
 */
function coversColumn(
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
  // In other types two texts may be the same value: 1.0 and 1.00.
  const isExact = values !== undefined || field.type === "Int";
  const isAllowedByOther = (text: string, at: number): boolean =>
    isExact && excluded.some((others, other) => other !== at && !others.includes(text));
  return excluded.some((texts, at) => texts.every((text) => wanted.has(text) || isAllowedByOther(text, at)));
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
