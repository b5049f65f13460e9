import type { Json, JsonObject } from "../../kernel/json.ts";
import type { Field, Model, ModelRegistry, RelationField } from "./model.ts";
import { relationsOf } from "./model.ts";
import type { WhereFilter } from "./selection.ts";

/**
 * What can be said of a filter without asking the database: nothing is asked of a record, no record can match, it
 * depends on the record; or it is a list of alternatives that nobody filled in, which matches none and is meant as all.
 */
type Verdict = "VACUOUS" | "IMPOSSIBLE" | "ASKS" | "UNFILLED";

/**
 * Whether a filter asks nothing of a record, however it is put: `{}`, `{country: {is: {}}}`, `{name: {contains: ""}}`,
 * `{OR: [{id: {equals: 1}}, {}]}`. A filter that is left over from conditions that were not filled in is not to select
 * every record unseen, so in doubt it counts as one: `{NOT: {}}` too, and `{nickname: {contains: ""}}`, though that
 * leaves out those that have none.
 */
export function isVacuous(models: ModelRegistry, model: Model, where: WhereFilter): boolean {
  const verdict = judge(models, model, where);
  return verdict === "VACUOUS" || verdict === "UNFILLED";
}

function judge(models: ModelRegistry, model: Model, where: WhereFilter): Verdict {
  const relations = new Map(relationsOf(model).map((field) => [field.name, field]));
  return all(
    Object.entries(where).map(([name, value]) => {
      const relation = relations.get(name);
      return relation === undefined
        ? (judgeLogic(models, model, name, value) ?? judgeColumn(value as JsonObject))
        : judgeRelation(models, relation, value as JsonObject);
    }),
  );
}

function judgeLogic(models: ModelRegistry, model: Model, name: string, value: Json): Verdict | undefined {
  if (name !== "AND" && name !== "OR" && name !== "NOT") {
    return undefined;
  }
  const parts = (Array.isArray(value) ? value : [value]) as readonly (WhereFilter | null)[];
  const verdicts = parts.map((part) => judge(models, model, part ?? {}));
  switch (name) {
    case "AND":
      return all(verdicts);
    case "OR":
      return any(verdicts);
    case "NOT":
      return all(verdicts.map((verdict) => (verdict === "ASKS" ? verdict : "VACUOUS")));
  }
}

function judgeRelation(models: ModelRegistry, field: RelationField, operators: JsonObject): Verdict {
  const target = models.get(field.type);
  const verdicts = Object.entries(operators).map(([operator, inner]): Verdict => {
    const verdict = inner === null ? undefined : judge(models, target, inner as WhereFilter);
    return RELATION_VERDICTS[operator]?.(field, verdict) ?? "ASKS";
  });
  return all(verdicts);
}

/** By operator, what the verdict on the inner filter comes to; undefined for null, and for what depends on the record. */
const RELATION_VERDICTS: Readonly<
  Record<string, (field: Field, inner: Verdict | undefined) => Verdict | undefined>
> = {
  is: ({ isNullable }, inner) => (inner === "VACUOUS" && isNullable ? "ASKS" : inner),
  isNot: (_field, inner) => (isFalse(inner) ? "VACUOUS" : undefined),
  // Having some at all is asked for.
  some: (_field, inner) => (isFalse(inner) ? inner : undefined),
  every: (_field, inner) => (inner === "VACUOUS" || inner === "UNFILLED" ? inner : undefined),
  none: (_field, inner) => (isFalse(inner) ? "VACUOUS" : undefined),
};

function isFalse(verdict: Verdict | undefined): boolean {
  return verdict === "IMPOSSIBLE" || verdict === "UNFILLED";
}

/** Operators that an empty text or list makes true. */
const TRUE_OF_NOTHING: ReadonlySet<string> = new Set([
  "contains",
  "startsWith",
  "endsWith",
  "stringContains",
  "stringStartsWith",
  "stringEndsWith",
  "arrayContains",
  "notIn",
  "hasEvery",
]);
/** Those that an empty list makes false. */
const FALSE_OF_NOTHING: ReadonlySet<string> = new Set(["in", "hasSome"]);
/** They say how the others are meant. */
const MANNERS: ReadonlySet<string> = new Set(["mode", "path"]);

function judgeColumn(operators: JsonObject): Verdict {
  return all(
    Object.entries(operators).map(([operator, operand]): Verdict => {
      const isNothing = operand === "" || (Array.isArray(operand) && operand.length === 0);
      if (MANNERS.has(operator) || (isNothing && TRUE_OF_NOTHING.has(operator))) {
        return "VACUOUS";
      }
      return isNothing && FALSE_OF_NOTHING.has(operator) ? "IMPOSSIBLE" : "ASKS";
    }),
  );
}

function all(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("IMPOSSIBLE")) {
    return "IMPOSSIBLE";
  }
  if (verdicts.includes("ASKS")) {
    return "ASKS";
  }
  return verdicts.includes("UNFILLED") ? "UNFILLED" : "VACUOUS";
}

function any(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.length === 0) {
    return "UNFILLED";
  }
  if (verdicts.includes("VACUOUS")) {
    return "VACUOUS";
  }
  if (verdicts.includes("ASKS")) {
    return "ASKS";
  }
  return verdicts.includes("UNFILLED") ? "UNFILLED" : "IMPOSSIBLE";
}
