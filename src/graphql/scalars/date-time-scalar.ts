import { GraphQLScalarType, Kind } from "graphql";
import { parseError } from "./parse-error.ts";

const EXPECTED = "a date and time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z";

/** RFC 3339: seconds may be left out, the offset may not: a time without one means something else on every machine. */
const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/;

/** A moment, to the millisecond. */
export const DATE_TIME_SCALAR = new GraphQLScalarType<Date, string>({
  name: "DateTime",
  description:
    "A moment in ISO 8601: `2026-01-31T12:00:00.000Z`. Input needs an offset; output is in UTC, to the millisecond.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339",
  serialize: (value) => (value instanceof Date ? value : toDate(value)).toISOString(),
  parseValue: toDate,
  parseLiteral(node) {
    if (node.kind === Kind.STRING) {
      return toDate(node.value);
    }
    throw parseError("DateTime", node.kind, EXPECTED);
  },
});

function toDate(value: unknown): Date {
  const match = typeof value === "string" ? PATTERN.exec(value) : null;
  const date = new Date(match === null ? Number.NaN : String(value).toUpperCase());
  // Date.parse turns 31 February into March; such a slip is not to go unseen.
  const lastDay = match === null ? 0 : new Date(Date.UTC(Number(match[1]), Number(match[2]), 0)).getUTCDate();
  if (match === null || Number.isNaN(date.getTime()) || Number(match[3]) > lastDay) {
    throw parseError("DateTime", value, EXPECTED);
  }
  return date;
}
