import { GraphQLError } from "graphql";

/** A value that a scalar does not take, and what it would. */
export function parseError(scalar: string, value: unknown, expected: string): GraphQLError {
  const text = typeof value === "bigint" ? value.toString() : (JSON.stringify(value) ?? String(value));
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return new GraphQLError(`${scalar} cannot represent ${shown}: expected ${expected}.`);
}
