import type { GraphQLInputField, GraphQLInputObjectType, GraphQLInputType, GraphQLSchema } from "graphql";
import { getNamedType, getNullableType, isListType } from "graphql";
import { keyOf, MODELS, sample } from "./every-type-samples.ts";
import type { Answer } from "./models-fixture.ts";

/** The operators that find the record whose value they compare with. */
const FINDING = ["equals", "in", "gte", "lte", "has", "hasSome", "hasEvery"];

/** The conditions that a filter's field can have, each with ids that it must find. */
export function conditionsOn(
  schema: GraphQLSchema,
  model: string,
  name: string,
  records: readonly Answer[],
): [condition: object, found: string[]][] {
  const first = { [keyOf(model)]: { equals: sample(model, 1)[keyOf(model)] } };
  if (name === "AND" || name === "OR" || name === "NOT") {
    const key = keyOf(model);
    const one = records.find((each) => String(each[key]) === String(sample(model, 1)[key]));
    return [
      [
        {
          [name]: isListType(getNullableType(fieldsOf(schema, `${model}Where`)[name]?.type))
            ? [first]
            : first,
        },
        name === "NOT" ? [] : [one.id],
      ],
    ];
  }
  const type = fieldsOf(schema, `${model}Where`)[name]?.type;
  const filter = type === undefined ? "" : getNamedType(type).name;
  const record = records.find((each) => each[name] !== null);
  return Object.values(fieldsOf(schema, filter)).map(
    ({ name: operator, type: operandType }): [object, string[]] => {
      const related = getNamedType(operandType).name.replace(/Where$/, "");
      if (MODELS.includes(related)) {
        const key = keyOf(related);
        return [{ [name]: { [operator]: { [key]: { equals: sample(related, 1)[key] } } } }, []];
      }
      // Ids are texts, whatever the column's type.
      const value: unknown = filter.startsWith("Int") && name === "id" ? Number(record.id) : record?.[name];
      const operand = operandOf(operator, operandType, value);
      // Times that the database sets have microseconds, which no shown value is equal to.
      const isFound = name === "changedAt" ? operator === "gte" : FINDING.includes(operator);
      const found = isFound && record !== undefined ? [record.id as string] : [];
      const manner =
        operator === "mode" || operator === "path" ? { equals: operandOf("equals", operandType, value) } : {};
      return [{ [name]: { [operator]: operand, ...manner } }, found];
    },
  );
}

/** Whether the column is of a native type that lacks the comparison. */
export function isLackedBy(model: string, name: string, condition: object): boolean {
  const lacking: Readonly<Record<string, readonly string[]>> = {
    address: ["mode"],
    token: ["contains", "startsWith", "endsWith", "mode"],
    ...(model === "Visit" ? { id: ["contains", "startsWith", "endsWith", "mode"] } : {}),
  };
  const operators = Object.keys((condition as Readonly<Record<string, object>>)[name] ?? {});
  return operators.some((operator) => lacking[name]?.includes(operator) === true);
}

const FIXED: Readonly<Record<string, unknown>> = {
  mode: "INSENSITIVE",
  isNull: false,
  isEmpty: false,
  path: ["a"],
  arrayContains: ["a"],
  stringContains: "x",
  stringStartsWith: "x",
  stringEndsWith: "x",
};

function operandOf(operator: string, type: GraphQLInputType, value: unknown): unknown {
  if (operator in FIXED) {
    return FIXED[operator];
  }
  const isList = isListType(getNullableType(type));
  const isWhole = isList === Array.isArray(value) || (getNamedType(type).name === "JSON" && !isList);
  return isWhole ? value : isList ? [value] : (value as readonly unknown[])[0];
}

function fieldsOf(schema: GraphQLSchema, name: string): Readonly<Record<string, GraphQLInputField>> {
  return (schema.getType(name) as GraphQLInputObjectType).getFields();
}
