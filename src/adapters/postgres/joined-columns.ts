import type { RecordBatch } from "../../core/tasks/record-batch.ts";

/** The columns of chunks on their way to PostgreSQL and back. */
export interface JoinedColumns {
  /** One text for each chunk: its columns, each followed by the divider; empty for a chunk without. */
  readonly texts: readonly string[];
  /** Follows each value of a column. */
  readonly separator: string;
  /** Follows each column of a chunk; not stored. */
  readonly divider: string;
  /** Stands for null. */
  readonly nullMark: string;
}

/**
 * Joins each column's values into one text, for the same reason as ids (see joined-ids): one text travels and is cut up
 * several times faster than an array. Each value is followed by the separator, so that one that is empty is not lost.
 */
export function joinColumns(chunks: readonly RecordBatch[]): JoinedColumns {
  const [separator = "", divider = "", nullMark = ""] = unusedCharacters(chunks, 3);
  const join = (column: readonly (string | null)[]): string =>
    column.map((text) => (text ?? nullMark) + separator).join("");
  return {
    texts: chunks.map(({ columns }) => columns.map((column) => join(column) + divider).join("")),
    separator,
    divider,
    nullMark,
  };
}

/** Takes a stored column apart again. */
export function splitColumn(
  text: string,
  { separator, nullMark }: Pick<JoinedColumns, "separator" | "nullMark">,
): readonly (string | null)[] {
  return text
    .split(separator)
    .slice(0, -1)
    .map((value) => (value === nullMark ? null : value));
}

/** The first that no value contains: next to always U+0001 and those that follow. */
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
  throw new RangeError("the values use every character there is");
}
