import type { GraphQLInputType, GraphQLOutputType, GraphQLSchema } from "graphql";
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from "graphql";
import type { Random } from "./random.ts";
import { ODD } from "./random.ts";

/** Operations of a schema: most are valid, with values that are often out of range. */
export function randomOperation(schema: GraphQLSchema, random: Random): string {
  const kinds = ["query", "query", "mutation", "subscription"] as const;
  const kind = random.pick(kinds);
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }[kind];
  const fields = Object.values(root?.getFields() ?? {});
  const count = kind === "query" ? 1 + random.below(4) : 1;
  const selected = Array.from({ length: count }, (_, at) => {
    const field = random.pick(fields);
    return `f${at}: ${field.name}${argumentsOf(schema, random, field.args)}${selectionOf(schema, random, field.type, 4)}`;
  });
  const text = `${kind} { ${selected.join(" ")} }`;
  return random.chance(0.3) ? random.damage(text) : random.chance(0.03) ? largest(random, text) : text;
}

/** What the limits are for. */
function largest(random: Random, text: string): string {
  const count = random.pick([300, 3_000, 30_000]);
  return random.pick([
    `{ ${Array.from({ length: count }, (_, at) => `a${at}: __typename`).join(" ")} }`,
    `{ ${"__typename ".repeat(count)} }`,
    `{ ${"a { ".repeat(count)} b ${"} ".repeat(count)} }`,
    `query (${Array.from({ length: count }, (_, at) => `$v${at}: Int`).join(" ")}) { __typename }`,
    `{ ...F0 } ${Array.from({ length: count }, (_, at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`).join(" ")}`,
    `${text} # ${"x".repeat(count * 50)}`,
  ]);
}

interface Argument {
  readonly name: string;
  readonly type: GraphQLInputType;
}

function argumentsOf(schema: GraphQLSchema, random: Random, given: readonly Argument[]): string {
  const used = given.filter(({ type }) => isNonNullType(type) || random.chance(0.3));
  return used.length === 0
    ? ""
    : `(${used.map(({ name, type }) => `${name}: ${valueOf(random, type, 4)}`).join(", ")})`;
}

function valueOf(random: Random, type: GraphQLInputType, depth: number): string {
  if (isNonNullType(type)) {
    return valueOf(random, type.ofType, depth);
  }
  if (random.chance(0.05)) {
    return random.pick(["null", "[]", "{}", JSON.stringify(random.pick(ODD)), "$v", "-1"]);
  }
  if (isListType(type)) {
    const items = Array.from({ length: depth <= 0 ? 0 : random.below(4) }, () =>
      valueOf(random, type.ofType, depth - 1),
    );
    return `[${items.join(", ")}]`;
  }
  if (isEnumType(type)) {
    return random.pick(type.getValues()).name;
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const used = fields.filter(
      (field) => isNonNullType(field.type) || (depth > 0 && random.chance(2 / fields.length)),
    );
    return `{${used.map((field) => `${field.name}: ${valueOf(random, field.type, depth - 1)}`).join(", ")}}`;
  }
  return scalarOf(random, type.name);
}

function scalarOf(random: Random, name: string): string {
  const number = random.pick(["0", "1", "-1", "7", "1000", "1001", "2147483647", "99999999999"]);
  switch (name) {
    case "Int":
    case "Float":
      return number;
    case "Boolean":
      return random.pick(["true", "false"]);
    case "DateTime":
      return random.pick(['"2026-01-01T00:00:00Z"', '"0001-01-01T00:00:00Z"', '"yesterday"']);
    default:
      return random.pick([
        JSON.stringify(random.pick(ODD)),
        `"${number}"`,
        number,
        '"x"',
        '""',
        `"${"y".repeat(random.below(3_000))}"`,
      ]);
  }
}

function selectionOf(
  schema: GraphQLSchema,
  random: Random,
  output: GraphQLOutputType,
  depth: number,
): string {
  const type = getNamedType(output);
  if (isUnionType(type)) {
    const member = random.pick(type.getTypes());
    return ` { __typename ... on ${member.name}${selectionOf(schema, random, member, depth - 1)} }`;
  }
  if (!isObjectType(type) && !isInterfaceType(type)) {
    return "";
  }
  const fields = Object.values(type.getFields());
  const chosen = Array.from({ length: 1 + random.below(4) }, (_, at) => {
    const field = random.pick(fields);
    const isLeaf = isLeafType(getNamedType(field.type));
    return depth <= 0 && !isLeaf
      ? ""
      : `s${at}: ${field.name}${argumentsOf(schema, random, field.args)}${depth <= 0 ? "" : selectionOf(schema, random, field.type, depth - 1)}`;
  });
  return ` { __typename ${chosen.join(" ")} }`;
}
