import { GraphQLScalarType, Kind } from "graphql";
import { parseError } from "./parse-error.ts";

const EXPECTED = `a whole number of 64 bits, as text such as "9007199254740993" or, up to 2^53, as a number`;

/** 64-bit whole numbers. Text on the wire in both directions, since JSON numbers lose digits beyond 2^53. */
export const BIG_INT_SCALAR = new GraphQLScalarType<bigint, string>({
  name: "BigInt",
  description:
    "A whole number of 64 bits. Comes as text, since numbers beyond 2^53 lose digits in JSON; is taken as text or as a number.",
  serialize: (value) => toBigInt(value).toString(),
  parseValue: toBigInt,
  parseLiteral(node) {
    if (node.kind === Kind.INT || node.kind === Kind.STRING) {
      return toBigInt(node.value);
    }
    throw parseError("BigInt", node.kind, EXPECTED);
  },
});

function toBigInt(value: unknown): bigint {
  if (
    typeof value === "bigint" ||
    Number.isSafeInteger(value) ||
    (typeof value === "string" && /^-?\d{1,19}$/.test(value))
  ) {
    const number = BigInt(value as bigint | number | string);
    if (BigInt.asIntN(64, number) === number) {
      return number;
    }
  }
  throw parseError("BigInt", value, EXPECTED);
}
