import type { ColumnShape } from "../table-shape.ts";

/**
 * Reads a value back from its text (see core's column-text), as Prisma would write it. PostgreSQL itself casts to the
 * column's type, so one rule serves nearly every type.
 * @param expression of type text: a parameter, or a column
 */
export function castText(column: ColumnShape, expression: string): string {
  const { field, type } = column;
  if (!field.isList) {
    return `${readable(column, expression)}::${type}`;
  }
  return (
    `CASE WHEN ${expression} IS NOT NULL THEN ` +
    `ARRAY(SELECT ${readable(column, "item")} FROM jsonb_array_elements_text(${expression}::jsonb) AS item)::${type} END`
  );
}

/** Of the text of one value, what PostgreSQL's cast to the column's type understands. */
function readable({ field, type }: ColumnShape, text: string): string {
  if (field.type === "Bytes") {
    return `decode(${text}, 'base64')`;
  }
  if (type.startsWith("time with")) {
    // Of a moment the time of the day, in UTC; and like Prisma without saying so, which `timetz` would keep.
    return `rtrim(split_part(${text}, 'T', 2), 'Z')`;
  }
  // Money knows no exponents.
  return type.startsWith("money") ? `${text}::numeric` : text;
}
