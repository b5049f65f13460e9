import type { Json } from "../../kernel/json.ts";
import type { ColumnField } from "../records/model.ts";

/**
 * Outliers are values that a column holds and the API has no form for: NaN and infinity, and moments that are infinite or not
 * of the years 1 to 9999. A file has them as PostgreSQL writes and reads them. Keys have none, since ids have the API's form.
 */
export interface Outliers {
  isOne(value: Json | undefined): value is string;
  /** The value, or list, with a plain value of the type in the place of each outlier. */
  substituted(value: Json): Json;
}

const NUMBER = /^(?:NaN|-?Infinity)$/;

/** The outliers of a column, or of the items of its lists; undefined where its type has none. */
export function outliersOf(field: ColumnField): Outliers | undefined {
  const { kind, type, nativeType = "", isKey } = field;
  if (kind === "enum" || isKey) {
    return undefined;
  }
  if (type === "Float" || type === "Decimal") {
    return withPattern(NUMBER, type === "Float" ? 0 : "0");
  }
  return type === "DateTime" && !/^time(?!stamp)/.test(nativeType)
    ? withPattern(momentPattern(nativeType), "2000-01-01T00:00:00Z")
    : undefined;
}

function withPattern(pattern: RegExp, substitute: Json): Outliers {
  const isOne = (value: Json | undefined): value is string =>
    typeof value === "string" && pattern.test(value);
  const item = (value: Json): Json =>
    isOne(value) || (typeof value === "number" && !Number.isFinite(value)) ? substitute : value;
  return { isOne, substituted: (value) => (Array.isArray(value) ? value.map(item) : item(value)) };
}

const TIME = String.raw`T\d\d:\d\d:\d\d(?:\.\d{1,6})?`;
const OFFSET = String.raw`[+-]\d\d(?::\d\d){1,2}`;

/** Years of more than four digits, and those before Christ. */
function momentPattern(nativeType: string): RegExp {
  const rest = nativeType.startsWith("date")
    ? ""
    : nativeType.includes("without time zone")
      ? TIME
      : TIME + OFFSET;
  const day = String.raw`-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;
  return new RegExp(String.raw`^(?:-?infinity|\d{5,6}${day}${rest}|\d{4,6}${day}${rest} BC)$`);
}
