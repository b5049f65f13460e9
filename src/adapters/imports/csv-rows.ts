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
    reader = createCsvReader({ ...csv, quote, separator });
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

interface CsvReader {
  names(head: TextRecord): readonly string[];
  rows(records: readonly TextRecord[]): readonly FileRow[];
}

/** A cell, and whether it stood in quotes. */
interface QuotedCell {
  readonly text: string;
  readonly isQuoted: boolean;
}

function createCsvReader(csv: ImportCsv & { readonly quote: string; readonly separator: string }): CsvReader {
  const { quote, separator } = csv;
  const emptyInQuotes = quote + quote;
  const plainCells = (text: string): (string | null)[] =>
    text.split(separator).map((cell) => readCell(cell, false, csv));
  /** All records that need it at once: each call of the parser costs more than many records. */
  const parseQuoted = (records: readonly TextRecord[], hasCells: boolean): readonly unknown[][] => {
    try {
      const cells = parse(records.map(({ text }) => text).join("\n"), {
        delimiter: separator,
        quote,
        escape: quote,
        record_delimiter: "\n",
        relax_column_count: true,
        // What a cell was is asked only where it matters: it takes ten times as long.
        ...(hasCells
          ? { cast: (text: string, { quoting }: { readonly quoting: boolean }) => ({ text, isQuoted: quoting }) }
          : {}),
      }) as unknown as unknown[][];
      return cells;
    } catch (error) {
      throw records.length === 1 ? faultOf(records[0], error) : firstFault(records, error);
    }
  };
  const firstFault = (records: readonly TextRecord[], error: unknown): unknown => {
    for (const record of records) {
      try {
        parseQuoted([record], false);
      } catch (fault) {
        return fault;
      }
    }
    return error;
  };
  const quotedCells = (records: readonly TextRecord[]): ReadonlyMap<TextRecord, (string | null)[]> => {
    const cells = new Map<TextRecord, (string | null)[]>();
    const withEmpty = records.filter(({ text }) => text.includes(emptyInQuotes));
    const others = records.filter(({ text }) => !text.includes(emptyInQuotes));
    const parsed = others.length === 0 ? [] : (parseQuoted(others, false) as string[][]);
    others.forEach((record, at) =>
      cells.set(
        record,
        (parsed[at] ?? []).map((cell) => readCell(cell, false, csv)),
      ),
    );
    const exact = withEmpty.length === 0 ? [] : (parseQuoted(withEmpty, true) as unknown as QuotedCell[][]);
    withEmpty.forEach((record, at) =>
      cells.set(
        record,
        (exact[at] ?? []).map(({ text, isQuoted }) => readCell(text, isQuoted, csv)),
      ),
    );
    return cells;
  };
  return {
    names: (head) =>
      head.hasQuote
        ? (parseQuoted([head], false)[0] as string[]).map((name) => name.trim())
        : head.text.split(separator).map((name) => name.trim()),
    rows(records) {
      const quoted = quotedCells(records.filter(({ hasQuote }) => hasQuote));
      return records.map((record): FileRow => {
        const { line, text } = record;
        return { line, text, content: quoted.get(record) ?? plainCells(text) };
      });
    },
  };
}

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
  const scores = SEPARATORS.map((separator) => {
    const counts = sample.map((text) => text.split(separator).length - 1);
    const [head = 0] = counts;
    const alike = counts.filter((count) => count === head).length;
    return { separator, score: head === 0 ? 0 : head + (alike / counts.length) * 1000 };
  });
  return scores.reduce((best, next) => (next.score > best.score ? next : best)).score === 0
    ? ","
    : scores.reduce((best, next) => (next.score > best.score ? next : best)).separator;
}

function withoutQuoted(text: string, quote: string): string {
  return text
    .split(quote)
    .filter((_part, at) => at % 2 === 0)
    .join("");
}
