import type { ListWindow } from "../../../kernel/list-window.ts";

/** A list that is ordered by one column, and the number of the first of the three parameters of its window. */
interface WindowedList {
  readonly column: string;
  readonly type: "uuid" | "bigint";
  /** Default: false. */
  readonly isDescending?: boolean;
  readonly from: number;
}

/**
 * The end of a statement that reads a window of a list: a condition, order and limit. Its parameters are
 * {@link windowValues}. A backward window is read from the end: {@link inListOrder} turns its rows round.
 */
export function windowSql(list: WindowedList, isBackward = false): string {
  const { column, type, isDescending = false, from } = list;
  const [behind, infront] = isDescending ? ["<", ">"] : [">", "<"];
  return `($${from}::${type} IS NULL OR ${column} ${behind} $${from}::${type})
    AND ($${from + 1}::${type} IS NULL OR ${column} ${infront} $${from + 1}::${type})
    ORDER BY ${column} ${isDescending === isBackward ? "ASC" : "DESC"} LIMIT $${from + 2}::integer`;
}

/** The place after, the place before, the limit. */
export function windowValues<Place>({ after, before, limit }: ListWindow<Place>): readonly unknown[] {
  return [after ?? null, before ?? null, limit];
}

/** Rows in the list's order. */
export function inListOrder<Row>(rows: readonly Row[], isBackward = false): readonly Row[] {
  return isBackward ? rows.toReversed() : rows;
}
