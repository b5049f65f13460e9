import type { ListValueNode, ObjectValueNode, ValueNode, VariableNode } from "graphql";
import { GraphQLScalarType, Kind } from "graphql";
import type { Json } from "../../kernel/json.ts";
import { parseError } from "./parse-error.ts";

/** Any JSON value. */
export const JSON_SCALAR = new GraphQLScalarType<Json, unknown>({
  name: "JSON",
  description:
    "Any JSON value, nested at most 100 levels deep; without NUL characters and halves of characters.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc8259",
  serialize: (value) => value,
  parseValue: (value) => value as Json,
  parseLiteral: (node, variables) => fromLiteral(node, variables ?? {}),
});

function fromLiteral(node: ValueNode, variables: Readonly<Record<string, unknown>>): Json {
  if (node.kind === Kind.OBJECT) {
    const members = node.fields.map((field) => [field.name.value, fromLiteral(field.value, variables)]);
    return Object.fromEntries(members) as Json;
  }
  if (node.kind === Kind.LIST) {
    return node.values.map((item) => fromLiteral(item, variables));
  }
  if (node.kind === Kind.VARIABLE) {
    return (variables[node.name.value] ?? null) as Json;
  }
  return fromLeaf(node);
}

function fromLeaf(node: Exclude<ValueNode, ObjectValueNode | ListValueNode | VariableNode>): Json {
  switch (node.kind) {
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.ENUM:
      throw parseError("JSON", node.value, "JSON; put quotes around text");
  }
}
