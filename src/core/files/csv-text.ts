/** A cell that a spreadsheet would run as a formula; apostrophes in front belong to it, so that they can be told apart. */
const FORMULA = /^'*[=+\-@\t\r]/;
const FORMULA_STARTS = Array.from("'=+-@\t\r", (character) => character.charCodeAt(0));
const ESCAPED_FORMULA = /^'+[=+\-@\t\r]/;
const PLAIN_NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The text with an apostrophe in front if a spreadsheet would run it as a formula. Plain numbers stay as they are. */
export function escapeFormula(text: string): string {
  return FORMULA.test(text) && !PLAIN_NUMBER.test(text) ? `'${text}` : text;
}

/** Whether a text that begins with this byte may need {@link escapeFormula}. */
export function isFormulaStart(byte: number): boolean {
  return FORMULA_STARTS.includes(byte);
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

/** A line of a CSV file (RFC 4180). */
export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/** A cell of a line. Null is nothing; an empty text is `""`. */
export function csvCell(text: string | null): string {
  if (text === null) {
    return "";
  }
  // A byte order mark at the start of a file would be taken for one of the file.
  return text === "" || /[",\r\n\uFEFF]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
