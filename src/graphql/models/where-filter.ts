import { AppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import { isStorableText } from "../../kernel/storable-text.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../../core/records/model.ts";
import { checkFilterSize } from "../../core/records/filter-size.ts";
import type { WhereFilter } from "../../core/records/selection.ts";
import { toJsonValue } from "../pagination/json-value.ts";

/** A `where` argument as GraphQL hands it over: checked against the input type, without a prototype. */
export type WhereArgument = Readonly<Record<string, unknown>>;

/**
 * The argument as a filter that a task can store. What GraphQL's types cannot say is checked here: a null where a
 * value is needed, or a condition without an operator, is mostly a variable that was not filled in, and would
 * widen the filter unseen.
 *
 * @throws AppError VALIDATION_FAILED with the path of the condition at fault, or of the filter if it is too large
 */
export function parseWhere(models: ModelRegistry, model: Model, where: WhereArgument): WhereFilter {
  checkFilterSize(where, "where");
  return parseFilter(models, model, where, "where");
}

function parseFilter(models: ModelRegistry, model: Model, where: WhereArgument, path: string): WhereFilter {
  const members = Object.entries(where).flatMap(([name, value]): readonly (readonly [string, Json])[] => {
    const here = `${path}.${name}`;
    if (value === undefined) {
      return [];
    }
    if (value === null) {
      throw invalid(here, `${here} must not be null. Leave it out, or give it a condition.`);
    }
    if (name === "AND" || name === "OR") {
      const parts = value as readonly WhereArgument[];
      const filters = parts.map((part, at) => parseFilter(models, model, part, `${here}[${at}]`));
      return keepLogic(name, filters) ? [[name, filters]] : [];
    }
    return [[name, parseMember(models, model, name, value as WhereArgument, here)]];
  });
  return Object.fromEntries(members);
}

/** An AND of nothing says nothing; kept, it would pass for a filter that selects. */
function keepLogic(name: "AND" | "OR", filters: readonly WhereFilter[]): boolean {
  return name === "OR" || filters.some((filter) => Object.keys(filter).length > 0);
}

function parseMember(
  models: ModelRegistry,
  model: Model,
  name: string,
  value: WhereArgument,
  path: string,
): Json {
  if (name === "NOT") {
    return parseFilter(models, model, value, path);
  }
  const field = model.fields.find((candidate) => candidate.name === name);
  if (field === undefined) {
    throw invalid(path, `${path}: ${model.name} has no field "${name}".`);
  }
  if (Object.values(value).every((operand) => operand === undefined)) {
    const example = field.kind === "relation" ? (field.isList ? "{some: {…}}" : "{is: {…}}") : "{equals: …}";
    throw invalid(path, `${path} names no condition. Leave it out, or give it one, such as ${example}.`);
  }
  return field.kind === "relation"
    ? parseRelation(models, field, value, path)
    : parseColumn(field, value, path);
}

function parseRelation(
  models: ModelRegistry,
  field: RelationField,
  value: WhereArgument,
  path: string,
): WhereFilter {
  const target = models.get(field.type);
  const members = Object.entries(value).flatMap(([operator, inner]): readonly (readonly [string, Json])[] => {
    const here = `${path}.${operator}`;
    if (inner === undefined) {
      return [];
    }
    if (inner === null) {
      if (!field.isNullable) {
        throw invalid(here, `${here} must not be null: there is always a related ${target.name}.`);
      }
      return [[operator, null]];
    }
    return [[operator, parseFilter(models, target, inner as WhereArgument, here)]];
  });
  return Object.fromEntries(members);
}

function parseColumn(field: ColumnField, operators: WhereArgument, path: string): WhereFilter {
  const members = Object.entries(operators).flatMap(
    ([operator, operand]): readonly (readonly [string, Json])[] => {
      const here = `${path}.${operator}`;
      if (operand === undefined) {
        return [];
      }
      // JSON has a null of its own.
      if (operand === null && !(field.type === "Json" && (operator === "equals" || operator === "not"))) {
        throw invalid(
          here,
          `${here} must not be null. ${field.isNullable ? "Use isNull." : "Leave it out, or give it a value."}`,
        );
      }
      if (holdsUnstorable(operand)) {
        throw invalid(here, `${here} cannot hold NUL characters or halves of characters.`);
      }
      return [[operator, toJsonValue(operand)]];
    },
  );
  return Object.fromEntries(members);
}

/** A task could not even store such a filter. */
function holdsUnstorable(operand: unknown): boolean {
  const texts: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  return texts.some((text) => typeof text === "string" && !isStorableText(text));
}

function invalid(field: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", message, { details: { field } });
}
