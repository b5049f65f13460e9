/** A cell that a spreadsheet would run as a formula; apostrophes in front belong to it, so that they can be told apart. */
const FORMULA = /^'*[=+\-@\t\r]/;
const ESCAPED_FORMULA = /^'+[=+\-@\t\r]/;
const PLAIN_NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The text with an apostrophe in front if a spreadsheet would run it as a formula. Plain numbers stay as they are. */
export function escapeFormula(text: string): string {
  return FORMULA.test(text) && !PLAIN_NUMBER.test(text) ? `'${text}` : text;
}

/** The text without the apostrophe that {@link escapeFormula} put in front. */
export function unescapeFormula(text: string): string {
  return ESCAPED_FORMULA.test(text) ? text.slice(1) : text;
}

/** What an empty cell means. `BY_QUOTES`: `""` is an empty text, and nothing between two separators is null. */
export type EmptyCells = "BY_QUOTES" | "NULL" | "TEXT";

/** How the cells of a CSV file are read. */
export interface CellOptions {
  /** Default: BY_QUOTES */
  readonly empty?: EmptyCells;
  /** Whether formulas were escaped: see {@link escapeFormula}. Default: true */
  readonly areFormulasEscaped?: boolean;
}

/** The text of a cell; null for none. @param isQuoted whether it stood in quotes */
export function readCell(
  text: string,
  isQuoted: boolean,
  { empty = "BY_QUOTES", areFormulasEscaped = true }: CellOptions = {},
): string | null {
  if (text === "") {
    return empty === "TEXT" || (empty === "BY_QUOTES" && isQuoted) ? "" : null;
  }
  return areFormulasEscaped ? unescapeFormula(text) : text;
}

/** A line of a CSV file (RFC 4180). Null is nothing; an empty text is `""`. */
export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map(cellText).join(",")}\r\n`;
}

function cellText(cell: string | null): string {
  if (cell === null) {
    return "";
  }
  // A byte order mark at the start of a file would be taken for one of the file.
  return cell === "" || /[",\r\n\uFEFF]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
