import type { Json } from "../../kernel/json.ts";
import type { WhereFilter } from "../access/access.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../records/model.ts";
import { coversColumn } from "./covers-column.ts";
import type { ColumnCondition } from "./covers-column.ts";
import type { RelationPart } from "./fold-filter.ts";
import { foldFilter } from "./fold-filter.ts";
import type { RelationOperator } from "./operators.ts";
import { verdictOf } from "./operators.ts";
import type { Verdict } from "./verdict.ts";
import { ALWAYS, allVerdicts, anyVerdict, ASKS, LIKELY, NEVER, notVerdict } from "./verdict.ts";

/**
 * Whether a filter asks nothing of a record, so that it selects all of them: `{}`, `{country: {is: {}}}`,
 * `{name: {gte: ""}}`, `{OR: [{id: {lt: 5}}, {id: {gte: 5}}]}`. A filter that is left over from conditions that were not
 * filled in must not select every record unseen, so in doubt it counts as one: `{NOT: {}}`, `{OR: []}`,
 * `{OR: [{id: {equals: 1}}, {}]}`, and `{nickname: {contains: ""}}`, although that leaves out records without a nickname.
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
  /** Where it is one condition on one column, this. */
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
  // It asks for there being a related record at all.
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

/** Whether the alternatives are conditions on one column of which each value meets one: less than 5, or 5 and more. */
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
