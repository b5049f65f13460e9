import { GraphQLScalarType, Kind } from "graphql";
import { DATE_TIME_FORM, parseDateTime } from "../../kernel/date-time-text.ts";
import { parseError } from "./parse-error.ts";

/** A moment, to the millisecond. */
export const DATE_TIME_SCALAR = new GraphQLScalarType<Date, string>({
  name: "DateTime",
  description:
    "A moment in ISO 8601: `2026-01-31T12:00:00.000Z`. Input needs an offset, and a year from 1 to 9999; output is in UTC, to the millisecond.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339",
  serialize: (value) => (value instanceof Date ? value : toDate(value)).toISOString(),
  parseValue: toDate,
  parseLiteral(node) {
    if (node.kind === Kind.STRING) {
      return toDate(node.value);
    }
    throw parseError("DateTime", node.kind, DATE_TIME_FORM);
  },
});

function toDate(value: unknown): Date {
  const date = typeof value === "string" ? parseDateTime(value) : undefined;
  if (date === undefined) {
    throw parseError("DateTime", value, DATE_TIME_FORM);
  }
  return date;
}
