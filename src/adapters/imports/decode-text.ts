import { AppError } from "../../kernel/app-error.ts";
import type { ImportEncoding } from "../../core/imports/import-form.ts";

/** How many bytes decide what the encoding is, if nothing else says it. */
const SAMPLE_BYTES = 65_536;

const NEWLINE = 10;

/**
 * The text of a file, piece by piece, without its byte order mark.
 * @param given the encoding of a file without a byte order mark, which says it first; by default UTF-8, or ISO-8859-1 where the
 *   beginning is no UTF-8
 * @param maxBytes of the file
 * @throws AppError VALIDATION_FAILED for bytes that are not of the encoding, and for NUL, with the line; LIMIT_EXCEEDED for
 *   more bytes
 */
export async function* decodeText(
  bytes: AsyncIterable<Uint8Array>,
  given: ImportEncoding | undefined,
  maxBytes: number,
): AsyncGenerator<string, undefined> {
  let decoder: TextPieces | undefined;
  let sample: Uint8Array[] = [];
  let sampled = 0;
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > maxBytes) {
      throw new AppError(
        "LIMIT_EXCEEDED",
        `The file has more than ${maxBytes} bytes; this service allows no more.`,
        {
          details: { limit: maxBytes, line: decoder?.line() ?? 1 },
        },
      );
    }
    if (decoder === undefined) {
      sample.push(chunk);
      sampled += chunk.length;
      if (sampled >= SAMPLE_BYTES) {
        const first = Buffer.concat(sample);
        sample = [];
        decoder = new TextPieces(encodingOf(first, given, false));
        yield decoder.next(first);
      }
    } else {
      yield decoder.next(chunk);
    }
  }
  if (decoder === undefined) {
    const whole = Buffer.concat(sample);
    decoder = new TextPieces(encodingOf(whole, given, true));
    yield decoder.next(whole);
  }
  yield decoder.end();
}

/** Decodes pieces of a text, and knows the line. */
class TextPieces {
  readonly #encoding: ImportEncoding;
  readonly #decoder: TextDecoder;
  #line = 1;

  constructor(encoding: ImportEncoding) {
    this.#encoding = encoding;
    // The label "iso-8859-1" means windows-1252 in the web's standard, which is what programs write under that name.
    this.#decoder = new TextDecoder(encoding.toLowerCase(), { fatal: true });
  }

  line(): number {
    return this.#line;
  }

  next(chunk: Uint8Array): string {
    try {
      const text = this.#decoder.decode(chunk, { stream: true });
      return this.#checked(text);
    } catch (error) {
      throw this.#translated(error, chunk);
    }
  }

  end(): string {
    try {
      return this.#checked(this.#decoder.decode());
    } catch (error) {
      throw this.#translated(error, new Uint8Array());
    }
  }

  #checked(text: string): string {
    const nul = text.indexOf("\u0000");
    if (nul !== -1) {
      const line = this.#line + countLines(text, nul);
      const message = `Line ${line} has a NUL character. The file is not text, or of another encoding: say which by the parameter encoding.`;
      throw new AppError("VALIDATION_FAILED", message, { details: { line } });
    }
    this.#line += countLines(text, text.length);
    return text;
  }

  #translated(error: unknown, chunk: Uint8Array): unknown {
    if (!(error instanceof TypeError)) {
      return error;
    }
    const line = this.#line + linesBeforeFault(this.#encoding, chunk);
    const advice =
      this.#encoding === "UTF-8"
        ? "Save the file as UTF-8, or say encoding=ISO-8859-1 if that is what it is."
        : "Say which encoding it has by the parameter encoding.";
    const message = `Line ${line} has bytes that are not ${this.#encoding}. ${advice}`;
    return new AppError("VALIDATION_FAILED", message, { details: { line } });
  }
}

function countLines(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at)) {
    // Many in a row are counted one by one: each search costs as much as some hundred of them.
    for (; at < end && text.charCodeAt(at) === NEWLINE; at += 1) {
      count += 1;
    }
  }
  return count;
}

/** The lines of a chunk before the first that is not of the encoding. */
function linesBeforeFault(encoding: ImportEncoding, chunk: Uint8Array): number {
  let from = 0;
  for (let lines = 0; ; lines += 1) {
    const end = chunk.indexOf(NEWLINE, from);
    const part = chunk.subarray(from, end === -1 ? chunk.length : end);
    if (end === -1 || !isOf(encoding, part, true)) {
      return lines;
    }
    from = end + 1;
  }
}

function isOf(encoding: ImportEncoding, bytes: Uint8Array, isWhole: boolean): boolean {
  try {
    new TextDecoder(encoding.toLowerCase(), { fatal: true }).decode(bytes, { stream: !isWhole });
    return true;
  } catch {
    return false;
  }
}

/** A mark wins over what was told: the rows that failed come back in UTF-8, with a mark, to be sent again with the same words. */
function encodingOf(sample: Uint8Array, given: ImportEncoding | undefined, isWhole: boolean): ImportEncoding {
  const [first, second, third] = sample;
  if (first === 0xff && second === 0xfe) {
    return "UTF-16LE";
  }
  if (first === 0xfe && second === 0xff) {
    return "UTF-16BE";
  }
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    return "UTF-8";
  }
  if (given !== undefined) {
    return given;
  }
  return isOf("UTF-8", sample, isWhole) ? "UTF-8" : "ISO-8859-1";
}
