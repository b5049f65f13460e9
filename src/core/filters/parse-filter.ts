import type { Json } from "../../kernel/json.ts";
import { DATE_TIME_FORM } from "../../kernel/date-time-text.ts";
import { isWrongPart } from "../records/column-value.ts";
import { describeUnstorableJson, isStorableText, toJsonValue } from "../../kernel/json.ts";
import type { WhereFilter } from "../access/access.ts";
import { isFilterable } from "../records/field-switches.ts";
import type { ColumnField, Field, Model, ModelRegistry, RelationField } from "../records/model.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import { filterSizeProblem } from "./filter-size.ts";
import type { LogicOperator, Operand } from "./operators.ts";
import { filterKey, isLacking, isLogic, operatorsOf, RELATION_OPERATORS } from "./operators.ts";

type Members = Readonly<Record<string, unknown>>;

/** A member of the parsed filter; undefined where it is left out. */
type ParsedMember = Parsed<Json | undefined>;

/**
 * Checks a filter that a caller gave, and turns it into the JSON that a task can store. Takes the values of GraphQL's
 * scalars (Date, BigInt, Uint8Array) as well as their JSON. A null where a value is needed, or a condition without an
 * operator, is usually a variable that was not filled in, and would silently widen the filter, so it is a problem.
 * @param path the filter's name; each problem's field is the path from there: `where.OR[0].name.contains`
 */
export function parseFilter(
  models: ModelRegistry,
  model: Model,
  input: unknown,
  path = "where",
): Parsed<WhereFilter> {
  const excess = isObject(input) ? filterSizeProblem(input, path) : undefined;
  return excess === undefined ? parseMembers(models, model, input, path) : { problems: [excess] };
}

function parseMembers(
  models: ModelRegistry,
  model: Model,
  input: unknown,
  path: string,
): Parsed<WhereFilter> {
  if (!isObject(input)) {
    return refuse(path, `${path} must be a filter, such as {…}.`);
  }
  return collectMembers(
    Object.entries(input).map(([name, value]) => [
      keyOf(model, name),
      value === undefined ? LEFT_OUT : parseMember(models, model, name, value, `${path}.${name}`),
    ]),
  );
}

function parseMember(
  models: ModelRegistry,
  model: Model,
  name: string,
  value: unknown,
  path: string,
): ParsedMember {
  if (value === null) {
    return refuse(path, `${path} must not be null. Leave it out, or give it a condition.`);
  }
  if (isLogic(name)) {
    return parseLogic(models, model, name, value, path);
  }
  const field = fieldOf(model, name);
  if (field === undefined || !isFilterable(field)) {
    return refuse(path, `${path}: ${model.apiName} has no field "${name}".`);
  }
  if (!isObject(value) || Object.entries(value).every(([key, operand]) => isNoCondition(key, operand))) {
    const example = field.kind === "relation" ? (field.isList ? "{some: {…}}" : "{is: {…}}") : "{equals: …}";
    return refuse(path, `${path} names no condition. Leave it out, or give it one, such as ${example}.`);
  }
  return field.kind === "relation"
    ? parseRelation(models, field, value, path)
    : parseColumn(field, value, path);
}

/** What a stored filter calls the member. */
function keyOf(model: Model, name: string): string {
  const field = fieldOf(model, name);
  return field === undefined ? name : filterKey(field);
}

/** @param name in the API */
function fieldOf(model: Model, name: string): Field | undefined {
  return model.fields.find(({ apiName }) => apiName === name);
}

/** `mode` and `path` only say how the other operators are meant. */
function isNoCondition(operator: string, operand: unknown): boolean {
  return operand === undefined || ((operator === "mode" || operator === "path") && operand !== null);
}

function parseLogic(
  models: ModelRegistry,
  model: Model,
  name: LogicOperator,
  value: unknown,
  path: string,
): ParsedMember {
  if (name === "NOT" && !Array.isArray(value)) {
    return parseMembers(models, model, value, path);
  }
  if (!Array.isArray(value)) {
    return refuse(path, `${path} must be a list of filters.`);
  }
  const parts = value.map((part, at) => parseMembers(models, model, part, `${path}[${at}]`));
  const problems = problemsOf(parts);
  if (problems.length > 0) {
    return { problems };
  }
  const filters = parts.flatMap((part) => ("value" in part ? [part.value] : []));
  // An AND of nothing says nothing; kept, it would look like a condition.
  const isKept = name === "OR" || filters.some((filter) => Object.keys(filter).length > 0);
  return isKept ? { value: filters } : LEFT_OUT;
}

function parseRelation(
  models: ModelRegistry,
  field: RelationField,
  value: Members,
  path: string,
): Parsed<WhereFilter> {
  const target = models.get(field.type);
  return collectMembers(
    Object.entries(value).map(([operator, inner]) => {
      const here = `${path}.${operator}`;
      const rule = Object.entries(RELATION_OPERATORS).find(([name]) => name === operator)?.[1];
      if (rule?.isOnLists !== field.isList) {
        return [operator, unknownOperator(here)];
      }
      if (inner === undefined) {
        return [operator, LEFT_OUT];
      }
      return [operator, parseRelated(models, field, target, inner, here)];
    }),
  );
}

function parseRelated(
  models: ModelRegistry,
  field: RelationField,
  target: Model,
  inner: unknown,
  path: string,
): ParsedMember {
  if (inner !== null) {
    return parseMembers(models, target, inner, path);
  }
  return field.isNullable
    ? { value: null }
    : refuse(path, `${path} must not be null: there is always a related ${target.apiName}.`);
}

function parseColumn(field: ColumnField, operators: Members, path: string): Parsed<WhereFilter> {
  const known = operatorsOf(field);
  return collectMembers(
    Object.entries(operators).map(([operator, operand]) => {
      const here = `${path}.${operator}`;
      const rule = known[operator];
      if (operand === undefined) {
        return [operator, LEFT_OUT];
      }
      if (rule !== undefined && operand !== "DEFAULT" && isLacking(field, operator)) {
        const reason = `the database has no such comparison for its type, ${field.nativeType}`;
        return [operator, refuse(here, `${here} is no condition of this field: ${reason}.`)];
      }
      return [
        operator,
        rule === undefined ? unknownOperator(here) : parseOperand(field, rule.operand, operand, here),
      ];
    }),
  );
}

function parseOperand(field: ColumnField, kind: Operand, operand: unknown, path: string): ParsedMember {
  if (operand === null && !(kind === "VALUE" && field.type === "Json" && !field.isList)) {
    const advice = field.isNullable ? "Use isNull." : "Leave it out, or give it a value.";
    return refuse(path, `${path} must not be null. ${advice}`);
  }
  const misfit = describeItems(operand) ?? describeValues(field, operand);
  const shape = OPERAND_SHAPES[kind];
  if (misfit !== undefined) {
    return refuse(path, `${path}${misfit}`);
  }
  return shape === undefined || shape.fits(operand)
    ? { value: toJsonValue(operand) }
    : refuse(path, `${path} must be ${shape.words}.`);
}

function describeValues(field: ColumnField, operand: unknown): string | undefined {
  const misfit = field.type === "Json" ? describeUnstorableJson(operand as Json) : undefined;
  return misfit === undefined ? describePart(field, operand) : `: ${misfit}`;
}

function describePart(field: ColumnField, operand: unknown): string | undefined {
  const items: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  return items.some((item) => isWrongPart(field, item)) ? ` needs ${DATE_TIME_FORM}.` : undefined;
}

/** What is wrong with a value or a list of them, to follow its path. */
function describeItems(operand: unknown): string | undefined {
  const items: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (items.some((item) => typeof item === "string" && !isStorableText(item))) {
    return " cannot hold NUL characters or halves of characters.";
  }
  // A literal such as 1e999 passes GraphQL's Float as infinity, which JSON would turn into null.
  return items.some((item) => typeof item === "number" && !Number.isFinite(item))
    ? " needs a number that is not infinite."
    : undefined;
}

const isList = (operand: unknown): boolean => Array.isArray(operand);

/** What an operand must be; values of columns are checked by GraphQL and by the database. */
const OPERAND_SHAPES: Readonly<
  Partial<Record<Operand, { readonly words: string; fits(operand: unknown): boolean }>>
> = {
  VALUES: { words: "a list", fits: isList },
  TEXT: { words: "a text", fits: (operand) => typeof operand === "string" },
  FLAG: { words: "true or false", fits: (operand) => typeof operand === "boolean" },
  MODE: {
    words: "DEFAULT or INSENSITIVE",
    fits: (operand) => operand === "DEFAULT" || operand === "INSENSITIVE",
  },
  PATH: {
    words: "a list of texts",
    fits: (operand) => Array.isArray(operand) && operand.every((key) => typeof key === "string"),
  },
};

const LEFT_OUT: ParsedMember = { value: undefined };

/** The members that are there as one filter, or all of their problems. */
function collectMembers(members: readonly (readonly [string, ParsedMember])[]): Parsed<WhereFilter> {
  const problems = problemsOf(members.map(([, member]) => member));
  if (problems.length > 0) {
    return { problems };
  }
  return {
    value: Object.fromEntries(
      members.flatMap(([name, member]) =>
        "value" in member && member.value !== undefined ? [[name, member.value] as const] : [],
      ),
    ),
  };
}

function problemsOf(parts: readonly Parsed<unknown>[]): readonly RecordProblem[] {
  return parts.flatMap((part) => ("problems" in part ? part.problems : []));
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unknownOperator(path: string): ParsedMember {
  return refuse(path, `${path} is no condition of this field.`);
}

function refuse(field: string, message: string): { readonly problems: readonly RecordProblem[] } {
  return { problems: [problem(message, field)] };
}
