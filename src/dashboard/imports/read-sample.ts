import type { ImportEncoding, ImportFormat } from "../generated/graphql.ts";

/** How the bytes of a file become cells. What is left out is found out from its beginning. */
export interface Dialect {
  readonly format?: ImportFormat | undefined;
  readonly encoding?: ImportEncoding | undefined;
  /** One character; of CSV only. */
  readonly separator?: string | undefined;
  readonly quote?: string | undefined;
}

/** The beginning of a file, as cells. */
export interface Sample {
  readonly dialect: { readonly [Part in keyof Dialect]-?: NonNullable<Dialect[Part]> };
  readonly headers: readonly string[];
  readonly rows: readonly SampleRow[];
  /** Whether these are all rows of the file. */
  readonly isWhole: boolean;
  /** The head and the rows, as they stand in the file. */
  readonly text: string;
}

/** A row, with the line of the file on which it begins. */
export interface SampleRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** How much of a file is read to show how it begins. */
const SAMPLE_BYTES = 128 * 1024;
const MOST_ROWS = 100;
const LINE_BREAK = /\r\n|\r|\n/;
const SEPARATORS = [",", ";", "\t", "|"];
const LABELS: Readonly<Record<ImportEncoding, string>> = {
  UTF_8: "utf-8",
  ISO_8859_1: "windows-1252",
  UTF_16LE: "utf-16le",
  UTF_16BE: "utf-16be",
};

/** Reads the beginning of a file for a person to see. What the file means is for the service to say. */
export async function readSample(file: File, given: Dialect): Promise<Sample> {
  const bytes = new Uint8Array(await file.slice(0, SAMPLE_BYTES).arrayBuffer());
  const isAll = file.size <= SAMPLE_BYTES;
  const encoding = markOf(bytes) ?? given.encoding ?? encodingOf(bytes);
  const text = new TextDecoder(LABELS[encoding]).decode(bytes, { stream: !isAll });
  const format = given.format ?? formatOf(file.name, text);
  const quote = given.quote ?? '"';
  const separator = given.separator ?? separatorOf(text, quote);
  const dialect = { format, encoding, separator, quote };
  const read = format === "CSV" ? readCsv(text, separator, quote, isAll) : readJsonLines(text, isAll);
  return { dialect, ...read, isWhole: isAll && read.isWhole };
}

type Read = Pick<Sample, "headers" | "rows" | "isWhole" | "text">;

/** What a byte order mark says: the service takes its word before any other, too. */
function markOf([first, second, third]: Uint8Array): ImportEncoding | undefined {
  if (first === 0xff && second === 0xfe) {
    return "UTF_16LE";
  }
  if (first === 0xfe && second === 0xff) {
    return "UTF_16BE";
  }
  return first === 0xef && second === 0xbb && third === 0xbf ? "UTF_8" : undefined;
}

function encodingOf(bytes: Uint8Array): ImportEncoding {
  try {
    // Its last character may be cut.
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return "UTF_8";
  } catch {
    return "ISO_8859_1";
  }
}

function formatOf(name: string, text: string): ImportFormat {
  if (/\.(?:jsonl|ndjson)$/i.test(name)) {
    return "JSONL";
  }
  return !/\.(?:csv|tsv|txt)$/i.test(name) && text.trimStart().startsWith("{") ? "JSONL" : "CSV";
}

/** The one that divides the first lines into most cells, and all of them into the same number. */
function separatorOf(text: string, quote: string): string {
  const scores = SEPARATORS.map((separator) => {
    const counts = splitCsv(text, separator, quote)
      .slice(0, 20)
      .map(({ cells }) => cells.length - 1);
    const [head = 0] = counts;
    const alike = counts.filter((count) => count === head).length;
    return { separator, score: head === 0 ? 0 : head + (alike / counts.length) * 1000 };
  });
  const best = scores.reduce((one, other) => (other.score > one.score ? other : one));
  return best.score === 0 ? "," : best.separator;
}

function readCsv(text: string, separator: string, quote: string, isAll: boolean): Read {
  const all = splitCsv(text, separator, quote);
  const whole = all.filter(({ isEnded }) => isEnded || isAll);
  const [head, ...others] = whole;
  const rows = others.slice(0, MOST_ROWS);
  return {
    headers: head?.cells.map((cell) => cell.trim()) ?? [],
    rows: rows.map(({ line, cells }) => ({ line, cells })),
    isWhole: rows.length === all.length - 1,
    text: text.slice(0, rows.at(-1)?.end ?? head?.end ?? 0),
  };
}

/** The rows of a file that failed rows were written to: its head begins with the name of a column that it has of its own. */
export function readFailedFile(text: string, format: ImportFormat): Pick<Sample, "headers" | "rows"> {
  const separator = text.charAt("_line".length);
  return format === "CSV" ? readCsv(text, separator, '"', false) : readJsonLines(text, false);
}

interface Split extends SampleRow {
  /** Where the next one begins in the text. */
  readonly end: number;
  /** Whether a line break stood behind it. */
  readonly isEnded: boolean;
}

/** Divides CSV into rows, without a word about faults: the service tells them. Empty lines are no rows. */
function splitCsv(text: string, separator: string, quote: string): readonly Split[] {
  const rows: Split[] = [];
  let [line, begin, at] = [1, 1, 0];
  let cells: string[] = [];
  while (at < text.length && rows.length <= MOST_ROWS + 1) {
    const { cell, next } = readCell(text, at, separator, quote);
    cells.push(cell);
    line += text.slice(at, next).split(LINE_BREAK).length - 1;
    const isMore = text[next] === separator;
    at = next + (text.startsWith("\r\n", next) ? 2 : 1);
    if (!isMore) {
      if (cells.length > 1 || cells[0] !== "") {
        rows.push({ line: begin, cells, end: at, isEnded: next < text.length });
      }
      line += 1;
      [cells, begin] = [[], line];
    } else if (at >= text.length) {
      rows.push({ line: begin, cells: [...cells, ""], end: at, isEnded: false });
    }
  }
  return rows;
}

/** @returns the cell that begins there, and where the separator or line break behind it is */
function readCell(
  text: string,
  from: number,
  separator: string,
  quote: string,
): { readonly cell: string; readonly next: number } {
  let at = from;
  let cell = "";
  if (text[at] === quote) {
    for (;;) {
      const close = text.indexOf(quote, at + 1);
      if (close === -1) {
        return { cell: cell + text.slice(at + 1), next: text.length };
      }
      cell += text.slice(at + 1, close);
      at = close + 1;
      if (text[at] !== quote) {
        break;
      }
      cell += quote;
    }
  }
  let next = at;
  while (next < text.length && text[next] !== separator && text[next] !== "\n" && text[next] !== "\r") {
    next += 1;
  }
  return { cell: cell + text.slice(at, next), next };
}

function readJsonLines(text: string, isAll: boolean): Read {
  const lines = text.split("\n");
  const last = lines.at(-1) ?? "";
  const ended = isAll ? lines : lines.slice(0, -1);
  const objects = ended
    .map((each, at) => ({ line: at + 1, text: each, object: readObject(each) }))
    .filter((each) => each.text.trim() !== "");
  const shown = objects.slice(0, MOST_ROWS);
  const headers = [...new Set(shown.flatMap(({ object }) => Object.keys(object ?? {})))];
  return {
    headers,
    rows: shown.map(({ line, text: whole, object }) => ({
      line,
      cells: object === undefined ? [whole] : headers.map((name) => plainText(object[name])),
    })),
    isWhole: shown.length === objects.length && (isAll || last === ""),
    text: shown.map((each) => `${each.text}\n`).join(""),
  };
}

function readObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function plainText(value: unknown): string {
  return value === undefined || value === null
    ? ""
    : typeof value === "string"
      ? value
      : JSON.stringify(value);
}
