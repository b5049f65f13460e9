import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { Turns } from "../../../kernel/turns.ts";

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
export async function joinIds(groups: readonly (readonly string[])[]): Promise<JoinedIds> {
  const [separator = ""] = await unusedCharacters(groups, 1);
  return {
    texts: await joinEach(
      groups,
      (ids) => ids.join(separator),
      (ids) => ids.length,
    ),
    separator,
  };
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
export async function joinColumns(
  chunks: readonly RecordBatch[],
  marks?: Omit<JoinedColumns, "texts">,
): Promise<JoinedColumns> {
  const { separator, divider, nullMark } = marks ?? (await findMarks(chunks));
  const join = (column: readonly (string | null)[]): string => {
    const texts = column.includes(null) ? column.map((text) => text ?? nullMark) : column;
    return texts.join(separator) + separator + divider;
  };
  return {
    texts: await joinEach(
      chunks,
      ({ columns }) => {
        // Both halves of an upsert often have the same column.
        const joined = new Map(columns.map((column) => [column, ""]));
        joined.forEach((_text, column) => joined.set(column, join(column)));
        return columns.map((column) => joined.get(column)).join("");
      },
      ({ ids }) => ids.length,
    ),
    separator,
    divider,
    nullMark,
  };
}

async function findMarks(chunks: readonly RecordBatch[]): Promise<Omit<JoinedColumns, "texts">> {
  const columns = chunks.flatMap((chunk) => chunk.columns);
  const [separator = "", divider = "", nullMark = ""] = await unusedCharacters(columns, 3);
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

/** The first characters that no text contains, nearly always U+0001 and the following ones. PostgreSQL's texts cannot contain NUL. */
async function unusedCharacters(
  groups: readonly (readonly (string | null)[])[],
  count: number,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let code = 1; code < 0xd800 && found.length < count; code += 1) {
    const candidate = String.fromCharCode(code);
    if (!(await someInTurns(groups, (texts) => texts.some((text) => text?.includes(candidate))))) {
      found.push(candidate);
    }
  }
  if (found.length < count) {
    throw new RangeError("the texts use every character");
  }
  return found;
}

/** Whether a group is so. Each is short enough for one turn of the event loop. */
async function someInTurns<T extends { readonly length: number }>(
  groups: readonly T[],
  isSo: (group: T) => boolean,
): Promise<boolean> {
  const turns = new Turns();
  for (const group of groups) {
    if (isSo(group)) {
      return true;
    }
    if (turns.isOver(group.length)) {
      await turns.next();
    }
  }
  return false;
}

async function joinEach<T>(
  groups: readonly T[],
  join: (group: T) => string,
  lengthOf: (group: T) => number,
): Promise<readonly string[]> {
  const turns = new Turns();
  const texts: string[] = [];
  for (const group of groups) {
    texts.push(join(group));
    if (turns.isOver(lengthOf(group))) {
      await turns.next();
    }
  }
  return texts;
}
