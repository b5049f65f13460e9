import { GraphQLScalarType, Kind } from "graphql";
import { parseError } from "./parse-error.ts";

const EXPECTED = `a decimal number, as text such as "12.50" or as a number`;

/** Decimal numbers of any length. Text on the wire, so that no digit is lost. */
export const DECIMAL_SCALAR = new GraphQLScalarType<string, string>({
  name: "Decimal",
  description: "A decimal number without loss of digits. Comes as text; is taken as text or as a number.",
  serialize: String,
  parseValue: toDecimal,
  parseLiteral(node) {
    if (node.kind === Kind.INT || node.kind === Kind.FLOAT || node.kind === Kind.STRING) {
      return toDecimal(node.value);
    }
    throw parseError("Decimal", node.kind, EXPECTED);
  },
});

function toDecimal(value: unknown): string {
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  if (!/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/.test(text)) {
    throw parseError("Decimal", value, EXPECTED);
  }
  return text;
}
