import { FILTER_LIMITS } from "../../core/records/filter-size.ts";
import type { Model } from "../../core/records/model.ts";
import { columnsOf, relationsOf } from "../../core/records/model.ts";
import { columnFilter } from "./filter-inputs.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import type { AnyInputRef, InputBuilder, InputFields } from "./pothos-dynamic.ts";

const LIMITS = `At most ${FILTER_LIMITS.conditions} conditions, ${FILTER_LIMITS.values} values in its lists and ${FILTER_LIMITS.depth} levels.`;

/** The filter on a model's records: `CityWhere`. */
export function whereInput(schema: ModelSchema, mode: AnyEnumRef, model: Model): AnyInputRef {
  const name = `${model.name}Where`;
  return schema.input(name, {
    description: `A filter on records of ${model.name}; all conditions that are given must hold. Without any it matches all. ${LIMITS}`,
    fields: (t) => ({
      ...logicFields(schema, mode, model, t),
      ...columnFields(schema, mode, model, t),
      ...relationFields(schema, mode, model, t),
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

function columnFields(schema: ModelSchema, mode: AnyEnumRef, model: Model, t: InputBuilder): InputFields {
  return Object.fromEntries(
    columnsOf(model).map((field) => [
      field.name,
      t.field({ type: columnFilter(schema, mode, field), ...describe(field.documentation) }),
    ]),
  );
}

function relationFields(schema: ModelSchema, mode: AnyEnumRef, model: Model, t: InputBuilder): InputFields {
  return Object.fromEntries(
    relationsOf(model).map((field) => {
      const target = schema.models.get(field.type);
      const type = field.isList
        ? listFilter(schema, mode, target)
        : singleFilter(schema, mode, target, field.isNullable);
      return [field.name, t.field({ type, ...describe(field.documentation) })];
    }),
  );
}

function listFilter(schema: ModelSchema, mode: AnyEnumRef, target: Model): AnyInputRef {
  const name = `${target.name}ListRelationFilter`;
  return schema.input(name, {
    description: `Conditions on related records of ${target.name}, of which there are any number.`,
    fields: (t) => ({
      some: t.field({
        type: whereInput(schema, mode, target),
        description: "At least one matches; {} asks for any.",
      }),
      every: t.field({
        type: whereInput(schema, mode, target),
        description: "All match; also where there are none.",
      }),
      none: t.field({
        type: whereInput(schema, mode, target),
        description: "None matches; {} asks for there being none.",
      }),
    }),
  });
}

function singleFilter(
  schema: ModelSchema,
  mode: AnyEnumRef,
  target: Model,
  isNullable: boolean,
): AnyInputRef {
  const name = `${target.name}${isNullable ? "Nullable" : ""}RelationFilter`;
  const orNull = isNullable ? " null: there is none." : "";
  const orNotNull = isNullable ? " null: there is one." : "";
  return schema.input(name, {
    description: `Conditions on the related record of ${target.name}.`,
    fields: (t) => ({
      is: t.field({ type: whereInput(schema, mode, target), description: `It matches.${orNull}` }),
      isNot: t.field({
        type: whereInput(schema, mode, target),
        description: `It does not match, or is not there.${orNotNull}`,
      }),
    }),
  });
}

function describe(documentation: string | undefined): { description?: string } {
  return documentation === undefined ? {} : { description: documentation };
}
