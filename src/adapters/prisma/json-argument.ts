import type { ColumnField } from "../../core/records/model.ts";

/**
 * A value of a JSON column as the client's argument. The client copies an argument member by member and loses those named
 * `__proto__`, and of a bare number it keeps 16 digits; such values bring their serialization along, in the forms that the
 * client gives to JSON that looks like one of its own marks, and to what is a text of JSON already.
 */
export function jsonArgument(column: ColumnField, value: unknown): unknown {
  if (column.isList && Array.isArray(value)) {
    return value.map(whole);
  }
  return whole(value);
}

function whole(value: unknown): unknown {
  if (typeof value === "number") {
    return { toJSON: () => ({ $type: "Json", value: JSON.stringify(value) }) };
  }
  return hasPrototypeMember(value) ? { toJSON: () => ({ $type: "Raw", value }) } : value;
}

function hasPrototypeMember(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    (Object.hasOwn(value, "__proto__") || Object.values(value).some(hasPrototypeMember))
  );
}
