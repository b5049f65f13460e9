import type { Options } from "csv-parse/sync";
import { parse } from "csv-parse/sync";
import { AppError } from "../../kernel/app-error.ts";
import { readCell } from "../../core/files/csv-text.ts";
import type { FileHead, FileLimits, FilePage, FileRow } from "../../core/imports/file-rows.ts";
import type { ImportCsv } from "../../core/imports/import-form.ts";
import type { TextRecord } from "./split-records.ts";
import { createRecordSplitter } from "./split-records.ts";

/** The separators that are looked for. */
const SEPARATORS = [",", ";", "\t", "|"] as const;
/** How much of the file decides which one it is. */
const SAMPLE_LENGTH = 65_536;

const DEFAULT_QUOTE = '"';

/**
 * The rows of a CSV file (RFC 4180), whose first line names the columns. Empty lines are no rows.
 * @throws AppError VALIDATION_FAILED for quotes that cannot be read, with the line
 */
export async function* readCsvRows(
  pieces: AsyncIterable<string>,
  csv: ImportCsv,
  { maxRowLength }: FileLimits,
): AsyncGenerator<FilePage, undefined> {
  const quote = csv.quote ?? DEFAULT_QUOTE;
  const splitter = createRecordSplitter(quote, maxRowLength);
  let reader: CsvReader | undefined;
  let waiting: TextRecord[] = [];
  let length = 0;
  const readAll = (records: readonly TextRecord[], isEnd: boolean): FilePage | undefined => {
    const filled = records.filter(({ text }) => text !== "");
    if (reader !== undefined) {
      return { rows: reader.rows(filled) };
    }
    waiting.push(...filled);
    length += filled.reduce((sum, { text }) => sum + text.length, 0);
    const [first, ...others] = waiting;
    if (first === undefined || (!isEnd && length < SAMPLE_LENGTH)) {
      return undefined;
    }
    const separator = csv.separator ?? separatorOf(waiting, quote);
    reader = new CsvReader({ ...csv, quote, separator });
    waiting = [];
    const head: FileHead = { names: reader.names(first), text: first.text, separator };
    return { head, rows: reader.rows(others) };
  };
  for await (const piece of pieces) {
    const page = readAll(splitter.split(piece), false);
    if (page !== undefined) {
      yield page;
    }
  }
  const last = readAll(splitter.end(), true);
  if (last !== undefined) {
    yield last;
  }
  if (reader === undefined) {
    throw new AppError("VALIDATION_FAILED", "The file is empty: its first line has to name the columns.", {
      details: { line: 1 },
    });
  }
}

/** A cell, and whether it stood in quotes. */
interface QuotedCell {
  readonly text: string;
  readonly isQuoted: boolean;
}

type Cells = readonly (string | null)[];

/** Divides records into cells. */
class CsvReader {
  readonly #csv: ImportCsv & { readonly quote: string; readonly separator: string };

  constructor(csv: ImportCsv & { readonly quote: string; readonly separator: string }) {
    this.#csv = csv;
  }

  names(head: TextRecord): readonly string[] {
    const { separator } = this.#csv;
    const names = head.hasQuote ? (this.#parse([head], {})[0] as string[]) : head.text.split(separator);
    return names.map((name) => name.trim());
  }

  rows(records: readonly TextRecord[]): readonly FileRow[] {
    const quoted = this.#quotedCells(records.filter(({ hasQuote }) => hasQuote));
    return records.map((record): FileRow => {
      const { line, text } = record;
      const content = quoted.get(record);
      return content === undefined ? new PlainRow(record, this.#csv) : { line, text, content };
    });
  }

  #quotedCells(records: readonly TextRecord[]): ReadonlyMap<TextRecord, Cells> {
    const emptyInQuotes = this.#csv.quote.repeat(2);
    const mayHaveEmpty = ({ text }: TextRecord): boolean => text.includes(emptyInQuotes);
    const cells = new Map<TextRecord, Cells>();
    const plain = records.filter((record) => !mayHaveEmpty(record));
    const parsed = this.#parse(plain, {}) as readonly string[][];
    plain.forEach((record, at) =>
      cells.set(
        record,
        (parsed[at] ?? []).map((cell) => readCell(cell, false, this.#csv)),
      ),
    );
    const exact = records.filter(mayHaveEmpty);
    const parsedExactly = this.#parse(exact, WITH_QUOTES) as readonly QuotedCell[][];
    exact.forEach((record, at) =>
      cells.set(
        record,
        (parsedExactly[at] ?? []).map(({ text, isQuoted }) => readCell(text, isQuoted, this.#csv)),
      ),
    );
    return cells;
  }

  /** All records that need it at once: each call of the parser costs more than many records. */
  #parse(records: readonly TextRecord[], options: Options): readonly unknown[][] {
    const { separator, quote } = this.#csv;
    if (records.length === 0) {
      return [];
    }
    try {
      const text = records.map((record) => record.text).join("\n");
      const dialect = { delimiter: separator, quote, escape: quote, record_delimiter: "\n" };
      return parse(text, { ...dialect, relax_column_count: true, ...options });
    } catch (error) {
      const [first, ...others] = records;
      throw others.length === 0 ? faultOf(first, error) : this.#firstFault(records, error);
    }
  }

  #firstFault(records: readonly TextRecord[], error: unknown): unknown {
    for (const record of records) {
      try {
        this.#parse([record], {});
      } catch (fault) {
        return fault;
      }
    }
    return error;
  }
}

/** A row without quotes. It is divided when it is asked for its cells: so those of a whole page are never held beside its text. */
class PlainRow implements FileRow {
  readonly line: number;
  readonly text: string;
  readonly #csv: ImportCsv & { readonly separator: string };

  constructor({ line, text }: TextRecord, csv: ImportCsv & { readonly separator: string }) {
    this.line = line;
    this.text = text;
    this.#csv = csv;
  }

  get content(): Cells {
    return this.text.split(this.#csv.separator).map((cell) => readCell(cell, false, this.#csv));
  }
}

/** What a cell was is asked only where it matters, since that takes ten times as long. */
const WITH_QUOTES: Options = {
  cast: (text, { quoting }) => ({ text, isQuoted: quoting }),
};

function faultOf(record: TextRecord | undefined, error: unknown): AppError {
  const line = record?.line ?? 1;
  const { code = "" } = error as { readonly code?: string };
  const words =
    code === "CSV_INVALID_CLOSING_QUOTE"
      ? "has text after a quote that closes a cell; a quote inside a cell is written twice"
      : "has a quote in the middle of a cell; a cell with a quote stands in quotes, and its own are written twice";
  const message = `The row of line ${line} ${words}.`;
  return new AppError("VALIDATION_FAILED", message, { cause: error, details: { line } });
}

/** The separator that divides the first lines into most cells, and all of them into the same number. */
function separatorOf(records: readonly TextRecord[], quote: string): string {
  const sample = records.slice(0, 20).map(({ text }) => withoutQuoted(text, quote));
  const separators = SEPARATORS.filter((separator) => separator !== quote);
  const scores = separators.map((separator) => {
    const counts = sample.map((text) => text.split(separator).length - 1);
    const [head = 0] = counts;
    const alike = counts.filter((count) => count === head).length;
    return { separator, score: head === 0 ? 0 : head + (alike / counts.length) * 1000 };
  });
  return scores.reduce((best, next) => (next.score > best.score ? next : best)).separator;
}

function withoutQuoted(text: string, quote: string): string {
  return text
    .split(quote)
    .filter((_part, at) => at % 2 === 0)
    .join("");
}
