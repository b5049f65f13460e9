import type { ColumnField } from "../../core/records/model.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import { columnType, columnTypeName } from "./model-schema.ts";
import type { AnyInputRef, InputBuilder, InputFields } from "./pothos-dynamic.ts";

/** Kinds of columns by the operators that they take. */
const COMPARABLE = new Set(["String", "Int", "BigInt", "Float", "Decimal", "DateTime"]);

/** The filter on a column of this kind: `StringFilter`, `IntNullableFilter`, `StringListFilter`, `BytesFilter`. */
export function columnFilter(schema: ModelSchema, mode: AnyEnumRef, field: ColumnField): AnyInputRef {
  const name = `${columnTypeName(field)}${field.isList ? "List" : ""}${field.isNullable ? "Nullable" : ""}Filter`;
  return schema.input(name, {
    description: `Conditions on a column; all that are given must hold.${field.isList ? "" : " A null meets none but isNull."}`,
    fields: (t) => ({
      ...(field.isList ? listOperators(schema, field, t) : valueOperators(schema, mode, field, t)),
      ...(field.isNullable ? { isNull: t.boolean({ description: "Whether there is no value." }) } : {}),
    }),
  });
}

function valueOperators(
  schema: ModelSchema,
  mode: AnyEnumRef,
  field: ColumnField,
  t: InputBuilder,
): InputFields {
  const type = columnType(schema, field);
  const one = (description: string): InputFields[string] => t.field({ type, description });
  const many = (description: string): InputFields[string] => t.field({ type: [type], description });
  const base: InputFields = {
    equals: one("Equal to the value."),
    not: one("Not equal to the value, and not null."),
  };
  if (field.type === "Json") {
    return { ...base, ...jsonOperators(t) };
  }
  const lists: InputFields =
    field.type === "Boolean"
      ? {}
      : { in: many("One of the values."), notIn: many("None of the values, and not null.") };
  const order: InputFields = COMPARABLE.has(field.type)
    ? { lt: one("Less."), lte: one("Less or equal."), gt: one("Greater."), gte: one("Greater or equal.") }
    : {};
  return { ...base, ...lists, ...order, ...(field.type === "String" ? textOperators(mode, t) : {}) };
}

function textOperators(mode: AnyEnumRef, t: InputBuilder): InputFields {
  return {
    contains: t.string({ description: "Has the text somewhere." }),
    startsWith: t.string({ description: "Begins with the text." }),
    endsWith: t.string({ description: "Ends with the text." }),
    mode: t.field({ type: mode, description: "How the other conditions compare letters. Default: DEFAULT." }),
  };
}

function jsonOperators(t: InputBuilder): InputFields {
  return {
    path: t.stringList({
      description:
        "Where in the value to look: keys and list positions, outermost first. Default: the whole.",
    }),
    stringContains: t.string({ description: "A text that has this somewhere." }),
    stringStartsWith: t.string({ description: "A text that begins so." }),
    stringEndsWith: t.string({ description: "A text that ends so." }),
    arrayContains: t.field({ type: "JSON", description: "A list with all items of this list." }),
  };
}

function listOperators(schema: ModelSchema, field: ColumnField, t: InputBuilder): InputFields {
  const type = columnType(schema, field);
  const many = (description: string): InputFields[string] => t.field({ type: [type], description });
  return {
    equals: many("The same items in the same order."),
    // The client does not look for an item in a list of JSON values.
    ...(field.type === "Json"
      ? {}
      : {
          has: t.field({ type, description: "Has the item." }),
          hasSome: many("Has at least one of the items."),
          hasEvery: many("Has all of the items."),
        }),
    isEmpty: t.boolean({ description: "Whether it has no items." }),
  };
}
