import type { Json, JsonObject } from "../../kernel/json.ts";
import type { ColumnField, Model, ModelRegistry } from "../../core/records/model.ts";
import type { WhereFilter } from "../../core/records/selection.ts";
import { columnFromJson } from "./column-from-json.ts";

/** A filter as the client takes it. */
export type PrismaWhere = Readonly<Record<string, unknown>>;

/** Our names for what Prisma names otherwise. Of a JSON column only. */
const JSON_OPERATORS: Readonly<Record<string, string>> = {
  stringContains: "string_contains",
  stringStartsWith: "string_starts_with",
  stringEndsWith: "string_ends_with",
  arrayContains: "array_contains",
};

/** Operators whose operand is a part of a text. */
const TEXT_OPERATORS = new Set([
  "contains",
  "startsWith",
  "endsWith",
  "stringContains",
  "stringStartsWith",
  "stringEndsWith",
]);

/**
 * Turns a filter, as the API takes it and a task stores it, into the client's. Both have the same shape but for
 * `isNull`, `mode`, and values that JSON cannot carry; these are typed by the model.
 *
 * @throws TypeError for a field that the model does not have: filters were checked when they came in, so the model
 * has changed since
 */
export function whereToPrisma(
  models: ModelRegistry,
  model: Model,
  where: WhereFilter | undefined,
): PrismaWhere {
  const conditions = Object.entries(where ?? {}).flatMap(([name, value]) =>
    conditionsOf(models, model, name, value),
  );
  const [first] = conditions;
  return conditions.length > 1 ? { AND: conditions } : (first ?? {});
}

function conditionsOf(
  models: ModelRegistry,
  model: Model,
  name: string,
  value: Json,
): readonly PrismaWhere[] {
  if (name === "AND" || name === "OR" || name === "NOT") {
    const parts = (Array.isArray(value) ? value : [value]) as readonly WhereFilter[];
    return [{ [name]: parts.map((part) => whereToPrisma(models, model, part)) }];
  }
  const field = model.fields.find((candidate) => candidate.name === name);
  if (field === undefined) {
    throw new TypeError(`a filter names ${model.name}.${name}, which is not there`);
  }
  if (field.kind !== "relation") {
    return columnConditions(field, value as JsonObject);
  }
  const target = models.get(field.type);
  return Object.entries(value as JsonObject).map(([operator, inner]) => ({
    [name]: { [operator]: inner === null ? null : whereToPrisma(models, target, inner as WhereFilter) },
  }));
}

function columnConditions(field: ColumnField, operators: JsonObject): readonly PrismaWhere[] {
  const conditions: PrismaWhere[] = [];
  const together: Record<string, unknown> = {};
  for (const [operator, operand] of Object.entries(operators)) {
    if (operator === "isNull") {
      const isNull = { [field.name]: { equals: columnFromJson({ ...field, isList: false }, null) } };
      conditions.push(operand === true ? isNull : { NOT: isNull });
    } else if (operator === "isEmpty") {
      conditions.push(emptyCondition(field, operand === true));
    } else {
      together[JSON_OPERATORS[operator] ?? operator] = operandToPrisma(
        field,
        operator,
        operand,
        isPattern(operator, operators),
      );
    }
  }
  return Object.keys(together).length === 0 ? conditions : [{ [field.name]: together }, ...conditions];
}

/** A list that was never set is null in the database, and empty to everyone else. */
function emptyCondition(field: ColumnField, isEmpty: boolean): PrismaWhere {
  const empty = { [field.name]: { isEmpty } };
  return isEmpty ? { OR: [empty, { [field.name]: { equals: null } }] } : empty;
}

/** Whether the client makes a LIKE pattern of the operand, of equality too where letters' case does not count. */
function isPattern(operator: string, operators: JsonObject): boolean {
  const isEquality = operator === "equals" || operator === "not";
  return TEXT_OPERATORS.has(operator) || (isEquality && operators["mode"] === "INSENSITIVE");
}

function operandToPrisma(field: ColumnField, operator: string, operand: Json, isLike: boolean): unknown {
  if (operator === "mode") {
    return operand === "INSENSITIVE" ? "insensitive" : "default";
  }
  if (isLike) {
    return escapeLike(operand as string);
  }
  return operator === "path" ? operand : columnFromJson(field, operand);
}

/** The client does not escape what means something in a pattern. */
function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, (character) => `\\${character}`);
}
