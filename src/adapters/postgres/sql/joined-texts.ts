import type { RecordBatch } from "../../../core/tasks/record-batch.ts";

/** Groups of ids for a statement: each group is one text, its ids joined by the separator. */
interface JoinedIds {
  readonly texts: readonly string[];
  /** One character that no id contains. */
  readonly separator: string;
}

/**
 * Joins the ids of each group for `powercrud.split_ids(text, separator)`. This is several times faster than an array
 * parameter, for both driver and server. Each group has at least one id.
 */
export function joinIds(groups: readonly (readonly string[])[]): JoinedIds {
  const separator = findSeparator(groups);
  return { texts: groups.map((ids) => ids.join(separator)), separator };
}

/** The first character that no id contains, nearly always U+0001. PostgreSQL's texts cannot contain NUL. */
function findSeparator(groups: readonly (readonly string[])[]): string {
  for (let code = 1; code < 0xd800; code += 1) {
    const candidate = String.fromCharCode(code);
    if (!groups.some((ids) => ids.some((id) => id.includes(candidate)))) {
      return candidate;
    }
  }
  throw new RangeError("the ids use every character");
}

/** The columns of chunks as they are stored. */
interface JoinedColumns {
  /** One text per chunk: its columns, each followed by the divider; empty for a chunk without columns. */
  readonly texts: readonly string[];
  /** Follows each value of a column. */
  readonly separator: string;
  /** Follows each column of a chunk; not stored. */
  readonly divider: string;
  /** Stands for null. */
  readonly nullMark: string;
}

/**
 * Joins each column's values into one text, for speed as in {@link joinIds}. Each value is followed by the separator, so
 * that a single empty value is not lost.
 * @param marks characters that no value contains. Default: they are found
 */
export function joinColumns(
  chunks: readonly RecordBatch[],
  marks: Omit<JoinedColumns, "texts"> = findMarks(chunks),
): JoinedColumns {
  const { separator, divider, nullMark } = marks;
  const join = (column: readonly (string | null)[]): string =>
    column.map((text) => (text ?? nullMark) + separator).join("");
  return {
    texts: chunks.map(({ columns }) => columns.map((column) => join(column) + divider).join("")),
    separator,
    divider,
    nullMark,
  };
}

function findMarks(chunks: readonly RecordBatch[]): Omit<JoinedColumns, "texts"> {
  const [separator = "", divider = "", nullMark = ""] = unusedCharacters(chunks, 3);
  return { separator, divider, nullMark };
}

/** Splits a stored column into its values. */
export function splitColumn(
  text: string,
  { separator, nullMark }: Pick<JoinedColumns, "separator" | "nullMark">,
): readonly (string | null)[] {
  return text
    .split(separator)
    .slice(0, -1)
    .map((value) => (value === nullMark ? null : value));
}

/** The first characters that no value contains, nearly always U+0001 and the following ones. */
function unusedCharacters(chunks: readonly RecordBatch[], count: number): readonly string[] {
  const found: string[] = [];
  for (let code = 1; code < 0xd800; code += 1) {
    const candidate = String.fromCharCode(code);
    const isUsed = chunks.some(({ columns }) =>
      columns.some((column) => column.some((text) => text?.includes(candidate))),
    );
    if (!isUsed) {
      found.push(candidate);
    }
    if (found.length === count) {
      return found;
    }
  }
  throw new RangeError("the values use every character");
}
