import { FILTER_LIMITS } from "../../core/filters/filter-size.ts";
import type { Operand } from "../../core/filters/operators.ts";
import { operatorsOf, RELATION_OPERATORS } from "../../core/filters/operators.ts";
import type { ColumnField, Model, RelationField } from "../../core/records/model.ts";
import { columnsOf, relationsOf } from "../../core/records/model.ts";
import { isFilterable } from "../../core/records/field-switches.ts";
import { columnNames, columnType } from "./model-schema.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import type { AnyInputRef, InputBuilder, InputFields } from "./pothos-dynamic.ts";

const LIMITS = `At most ${FILTER_LIMITS.conditions} conditions, ${FILTER_LIMITS.values} values in its lists and ${FILTER_LIMITS.depth} levels.`;

/** The filter on a model's records: `CityWhere`. */
export function whereInput(schema: ModelSchema, mode: AnyEnumRef, model: Model): AnyInputRef {
  const name = schema.names.of(model).where;
  return schema.input(name, {
    description: `A filter on records of ${model.apiName}; all conditions that are given must hold. Without any it matches all. ${LIMITS}`,
    fields: (t) => ({
      ...logicFields(schema, mode, model, t),
      ...Object.fromEntries([
        ...columnsOf(model)
          .filter(isFilterable)
          .map((field) => [field.apiName, member(t, columnFilter(schema, mode, field), field)]),
        ...relationsOf(model)
          .filter(isFilterable)
          .map((field) => [field.apiName, member(t, relationFilter(schema, mode, field), field)]),
      ]),
    }),
  });
}

function logicFields(schema: ModelSchema, mode: AnyEnumRef, model: Model, t: InputBuilder): InputFields {
  const own = whereInput(schema, mode, model);
  return {
    AND: t.field({ type: [own], description: "All of them hold." }),
    OR: t.field({ type: [own], description: "At least one of them holds; an empty list matches nothing." }),
    NOT: t.field({ type: own, description: "It does not hold." }),
  };
}

function member(
  t: InputBuilder,
  type: AnyInputRef,
  { documentation }: { readonly documentation?: string },
): InputFields[string] {
  return t.field({ type, ...(documentation === undefined ? {} : { description: documentation }) });
}

/** The filter on a column of this kind: `StringFilter`, `IntNullableFilter`, `StringListFilter`, `BytesFilter`. */
export function columnFilter(schema: ModelSchema, mode: AnyEnumRef, field: ColumnField): AnyInputRef {
  const { filter, listFilter, nullableFilter } = columnNames(schema, field);
  const name = field.isList ? listFilter : field.isNullable ? nullableFilter : filter;
  return schema.input(name, {
    description: `Conditions on a column; all that are given must hold.${field.isList ? "" : " A null meets none but isNull."}`,
    fields: (t) =>
      Object.fromEntries(
        Object.entries(operatorsOf(field)).map(([operator, { operand, words }]) => [
          operator,
          t.field({ type: operandType(schema, mode, field, operand), description: words }),
        ]),
      ),
  });
}

type OperandType = Parameters<InputBuilder["field"]>[0]["type"];

function operandType(
  schema: ModelSchema,
  mode: AnyEnumRef,
  field: ColumnField,
  operand: Operand,
): OperandType {
  switch (operand) {
    case "VALUE":
      return columnType(schema, field);
    case "VALUES":
      return [columnType(schema, field)];
    case "TEXT":
      return "String";
    case "JSON":
      return "JSON";
    case "FLAG":
      return "Boolean";
    case "MODE":
      return mode;
    case "PATH":
      return ["String"];
  }
}

/** The filter on related records: `CityListRelationFilter`, `CountryRelationFilter`, `CountryNullableRelationFilter`. */
function relationFilter(schema: ModelSchema, mode: AnyEnumRef, field: RelationField): AnyInputRef {
  const target = schema.models.get(field.type);
  const { listRelationFilter, nullableRelationFilter, relationFilter: plain } = schema.names.of(target);
  const name = field.isList ? listRelationFilter : field.isNullable ? nullableRelationFilter : plain;
  const what = field.isList
    ? `a list of related records of ${target.apiName}`
    : `the related record of ${target.apiName}`;
  const operators = Object.entries(RELATION_OPERATORS).filter(
    ([, { isOnLists }]) => isOnLists === field.isList,
  );
  return schema.input(name, {
    description: `Conditions on ${what}.`,
    fields: (t) =>
      Object.fromEntries(
        operators.map(([operator, { words, nullWords = "" }]) => [
          operator,
          t.field({
            type: whereInput(schema, mode, target),
            description: field.isNullable ? `${words}${nullWords}` : words,
          }),
        ]),
      ),
  });
}
