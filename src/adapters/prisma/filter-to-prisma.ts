import { AppError } from "../../kernel/app-error.ts";
import type { JsonObject } from "../../kernel/json.ts";
import type { WhereFilter } from "../../core/access/access.ts";
import type { Junctions } from "../../core/filters/fold-filter.ts";
import { combine, foldFilter } from "../../core/filters/fold-filter.ts";
import { VALUE_OPERATORS } from "../../core/filters/operators.ts";
import type { ColumnField, Model, ModelRegistry } from "../../core/records/model.ts";
import { columnFromJson } from "./column-from-json.ts";
import type { PrismaWhere } from "./prisma-junctions.ts";
import { checkFieldWord, junctionsOf } from "./prisma-junctions.ts";

export type { PrismaWhere };

/** The operators that have another name in Prisma. */
const JSON_OPERATORS: Readonly<Record<string, string>> = {
  stringContains: "string_contains",
  stringStartsWith: "string_starts_with",
  stringEndsWith: "string_ends_with",
  arrayContains: "array_contains",
};

/**
 * Translates a filter, as the API takes it and tasks store it, into Prisma's. Both have the same shape, except for `isNull`,
 * `mode`, and values of types that JSON lacks. `filter-to-sql` (adapters/postgres) selects the same records.
 *
 * @throws TypeError for a field that the model does not have: the model has changed since the filter was stored;
 *   AppError VALIDATION_FAILED for a search, which the client has not
 */
export function filterToPrisma(
  models: ModelRegistry,
  model: Model,
  where: WhereFilter | undefined,
): PrismaWhere {
  const translated = foldFilter<PrismaWhere | undefined>(models, model, where ?? {}, {
    filter: (members, of) => combine("AND", members, junctionsOf(of)),
    logic: (operator, parts, of) => combine(operator, parts, junctionsOf(of)),
    search: () => {
      const message =
        "search: with POWERCRUD_READER=prisma lists cannot be searched. Leave search out, or set POWERCRUD_READER=sql.";
      throw new AppError("VALIDATION_FAILED", message, { details: { field: "search" } });
    },
    column: (field, operators, of) => {
      checkFieldWord(of, field);
      const junctions = junctionsOf(of);
      return combine("AND", columnConditions(field, operators, junctions), junctions);
    },
    relation: (field, _target, parts, of) => {
      checkFieldWord(of, field);
      return combine(
        "AND",
        parts.map(({ operator, inner }) => ({
          [field.name]: { [operator]: inner === undefined ? {} : inner },
        })),
        junctionsOf(of),
      );
    },
  });
  return translated ?? {};
}

function columnConditions(
  field: ColumnField,
  operators: JsonObject,
  { not, or }: Junctions<PrismaWhere>,
): readonly PrismaWhere[] {
  const conditions: PrismaWhere[] = [];
  const together: Record<string, unknown> = {};
  for (const [operator, operand] of Object.entries(operators)) {
    if (operator === "isNull") {
      const isNull = { [field.name]: { equals: columnFromJson({ ...field, isList: false }, null) } };
      conditions.push(operand === true ? isNull : not(isNull));
    } else if (operator === "isEmpty") {
      conditions.push(emptyCondition(field, operand === true, or));
    } else {
      together[JSON_OPERATORS[operator] ?? operator] = operandToPrisma(field, operator, operators);
    }
  }
  const asked = Object.keys(together).filter((name) => name !== "mode" && name !== "path");
  // Without a path, Prisma compares with the whole JSON text, including the quotes around a string.
  const path = asked.some((name) => Object.values(JSON_OPERATORS).includes(name)) ? { path: [] } : {};
  return asked.length === 0 ? conditions : [{ [field.name]: { ...path, ...together } }, ...conditions];
}

/** A list that was never set is null in the database; the API shows it as empty. */
function emptyCondition(field: ColumnField, isEmpty: boolean, or: Junctions<PrismaWhere>["or"]): PrismaWhere {
  const empty = { [field.name]: { isEmpty } };
  return isEmpty ? or([empty, { [field.name]: { equals: null } }]) : empty;
}

function operandToPrisma(field: ColumnField, operator: string, operators: JsonObject): unknown {
  const operand = operators[operator] ?? null;
  if (operator === "mode") {
    return operand === "INSENSITIVE" ? "insensitive" : "default";
  }
  if (operator === "path") {
    return operand;
  }
  return isPattern(operator, operators) && typeof operand === "string"
    ? escapeLike(operand)
    : columnFromJson(field, operand);
}

/** Whether Prisma uses the operand as a LIKE pattern, which it also does for case-insensitive equality. */
function isPattern(operator: string, operators: JsonObject): boolean {
  const isEquality = operator === "equals" || operator === "not";
  const rule = (VALUE_OPERATORS as Readonly<Record<string, { readonly operand: string }>>)[operator];
  return rule?.operand === "TEXT" || (isEquality && operators["mode"] === "INSENSITIVE");
}

/** Escapes `%`, `_` and `\`, which Prisma does not do. */
function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, (character) => `\\${character}`);
}
