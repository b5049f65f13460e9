import { AppError } from "../../kernel/app-error.ts";

/** The text of one record, and where it is. */
export interface TextRecord {
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** Without the end of its last line. */
  readonly text: string;
  /** Whether it has a quote. */
  readonly hasQuote: boolean;
}

/**
 * Divides a text that comes in pieces into records: lines, but for line breaks inside quotes. Empty lines are no records, but for
 * those that end with CRLF.
 */
export interface RecordSplitter {
  /** The records that are whole by now. @throws AppError LIMIT_EXCEEDED for a record that is too long */
  split(piece: string): readonly TextRecord[];
  /** The last record, if the text does not end with its line. @throws AppError VALIDATION_FAILED for a quote that is not closed */
  end(): readonly TextRecord[];
}

/**
 * Never holds more than one record and one piece. Ends of lines are LF, CRLF or CR, as the first one is.
 * @param quote one character; undefined: none keeps lines together
 * @throws AppError VALIDATION_FAILED for a quote of another length: an empty one would be found without an end
 */
export function createRecordSplitter(quote: string | undefined, maxLength: number): RecordSplitter {
  if (quote !== undefined && quote.length !== 1) {
    throw new AppError("VALIDATION_FAILED", "The quote of the file has to be one character.");
  }
  return new TextSplitter(quote, maxLength);
}

class TextSplitter implements RecordSplitter {
  readonly #quote: string | undefined;
  readonly #maxLength: number;
  /** What has come, from the record at `#start` on. */
  #text = "";
  #start = 0;
  #line = 1;
  /** How far the record is searched, and whether a quote is open there. */
  #searched = 0;
  #isQuoted = false;
  #hasQuote = false;
  /** Where the next quote is: looked for once, though many records may end before it. -1: there is none. */
  #quoteAt: number | undefined;
  #newline: "\n" | "\r" | undefined;

  constructor(quote: string | undefined, maxLength: number) {
    this.#quote = quote;
    this.#maxLength = maxLength;
  }

  split(piece: string): readonly TextRecord[] {
    this.#text = this.#text.slice(this.#start) + piece;
    this.#searched -= this.#start;
    this.#start = 0;
    this.#quoteAt = undefined;
    this.#newline ??= newlineOf(this.#text);
    const records = this.#newline === undefined ? [] : this.#takeWhole(this.#newline);
    const length = this.#text.length - this.#start;
    if (length > this.#maxLength) {
      throw this.#tooLong();
    }
    return records;
  }

  end(): readonly TextRecord[] {
    const newline = (this.#newline ??= "\n");
    this.#quoteAt = undefined;
    const records = this.#takeWhole(newline);
    if (this.#isQuoted) {
      const message = `The quote that opens in the row of line ${this.#line} is not closed.`;
      throw new AppError("VALIDATION_FAILED", message, { details: { line: this.#line } });
    }
    return this.#start === this.#text.length ? records : [...records, this.#take(this.#text.length, newline)];
  }

  #takeWhole(newline: string): TextRecord[] {
    const records: TextRecord[] = [];
    this.#skipEmpty(newline);
    for (let end = this.#endOf(newline); end !== -1; end = this.#endOf(newline)) {
      if (end - this.#start > this.#maxLength) {
        throw this.#tooLong();
      }
      records.push(this.#take(end, newline));
      this.#skipEmpty(newline);
    }
    return records;
  }

  /** A file may hold any number of empty lines, so none of them becomes a record. */
  #skipEmpty(newline: string): void {
    if (this.#searched > this.#start) {
      return;
    }
    const code = newline.charCodeAt(0);
    while (this.#text.charCodeAt(this.#start) === code) {
      this.#start += 1;
      this.#line += 1;
    }
    this.#searched = this.#start;
  }

  #take(end: number, newline: string): TextRecord {
    const isCarried =
      newline === "\n" && this.#text.charCodeAt(end - 1) === CARRIAGE_RETURN && end > this.#start;
    const text = this.#text.slice(this.#start, isCarried ? end - 1 : end);
    const record = { line: this.#line, text, hasQuote: this.#hasQuote };
    this.#line += 1 + (this.#hasQuote ? text.split(newline).length - 1 : 0);
    this.#start = Math.min(end + 1, this.#text.length);
    this.#searched = this.#start;
    this.#hasQuote = false;
    return record;
  }

  /** Where the record at the start ends; -1 where it does not end yet. */
  #endOf(newline: string): number {
    for (;;) {
      if (this.#isQuoted) {
        const close = this.#nextQuote();
        if (close === -1) {
          this.#searched = this.#text.length;
          return -1;
        }
        this.#isQuoted = false;
        this.#searched = close + 1;
      }
      const at = this.#text.indexOf(newline, this.#searched);
      const open = this.#nextQuote();
      if (open === -1 || (at !== -1 && at < open)) {
        this.#searched = at === -1 ? this.#text.length : this.#searched;
        return at;
      }
      this.#hasQuote = true;
      this.#isQuoted = true;
      this.#searched = open + 1;
    }
  }

  #nextQuote(): number {
    if (this.#quote === undefined) {
      return -1;
    }
    if (this.#quoteAt === undefined || (this.#quoteAt !== -1 && this.#quoteAt < this.#searched)) {
      this.#quoteAt = this.#text.indexOf(this.#quote, this.#searched);
    }
    return this.#quoteAt;
  }

  #tooLong(): AppError {
    const open = this.#isQuoted ? " A quote in it is not closed." : "";
    return new AppError(
      "LIMIT_EXCEEDED",
      `The row that begins on line ${this.#line} has more than ${this.#maxLength} characters; this service allows no more.${open}`,
      { details: { line: this.#line, limit: this.#maxLength } },
    );
  }
}

const CARRIAGE_RETURN = 13;

/** Undefined as long as there is none, or where the next piece may make CRLF of it. */
function newlineOf(text: string): "\n" | "\r" | undefined {
  const feed = text.indexOf("\n");
  const carriage = text.indexOf("\r");
  if (feed !== -1 && (carriage === -1 || feed <= carriage + 1)) {
    return "\n";
  }
  return carriage === -1 || carriage === text.length - 1 ? undefined : "\r";
}
