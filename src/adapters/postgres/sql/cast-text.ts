import type { ColumnShape } from "../table-shape.ts";

/**
 * Reads a value back from its text (see core's column-text). PostgreSQL itself casts to the column's type, so one rule
 * serves every type.
 * @param expression of type text: a parameter, or a column
 */
export function castText({ field, type }: ColumnShape, expression: string): string {
  const item = (text: string): string => (field.type === "Bytes" ? `decode(${text}, 'base64')` : text);
  if (!field.isList) {
    return `${item(expression)}::${type}`;
  }
  return (
    `CASE WHEN ${expression} IS NOT NULL THEN ` +
    `ARRAY(SELECT ${item("item")} FROM jsonb_array_elements_text(${expression}::jsonb) AS item)::${type} END`
  );
}
