import type { JsonObject } from "../../kernel/json.ts";
import type { ImportForm } from "./import-form.ts";

/** A row of a file as it came. */
export interface FileRow {
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** Its text, without the end of the line. */
  readonly text: string;
  /** A CSV file's cells, null for none; a JSON Lines file's object; or why it is neither, in words. */
  readonly content: readonly (string | null)[] | JsonObject | string;
}

/** The head of a CSV file. */
export interface FileHead {
  readonly names: readonly string[];
  /** The line as it came. */
  readonly text: string;
  readonly separator: string;
}

/** Rows of a file that belong together only because they came together. */
export interface FilePage {
  /** With the first page of a CSV file. */
  readonly head?: FileHead;
  readonly rows: readonly FileRow[];
}

/** How much a file may hold. */
export interface FileLimits {
  /** Bytes of the file, once it is unpacked. */
  readonly maxBytes: number;
  /** Characters of a row. */
  readonly maxRowLength: number;
}

/**
 * Reads a file's rows as its bytes come, and no further than it is asked.
 * @throws AppError VALIDATION_FAILED or LIMIT_EXCEEDED for a file that cannot be read, with the line; what the bytes throw
 */
export type ReadFileRows = (
  bytes: AsyncIterable<Uint8Array>,
  form: ImportForm,
  limits: FileLimits,
) => AsyncIterable<FilePage>;
