import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import type { FileStream } from "../../src/core/files/file-reading.ts";

/** A cell of a CSV file. */
export interface CsvCell {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** The lines of a CSV file as RFC 4180 has it. @throws where it is none */
export function readCsv(file: string): readonly (readonly CsvCell[])[] {
  const lines: CsvCell[][] = [];
  let line: CsvCell[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  while (pattern.lastIndex < file.length) {
    const [whole, quoted, plain = "", end] = pattern.exec(file) ?? [];
    if (whole === undefined) {
      throw new Error(`no CSV: ${JSON.stringify(file.slice(0, 200))}`);
    }
    line.push({ text: quoted?.replaceAll('""', '"') ?? plain, isQuoted: quoted !== undefined });
    if (end !== ",") {
      lines.push(line);
      line = [];
    }
  }
  return lines;
}

/** The whole file. */
export function textOf({ chunks }: FileStream): Promise<string> {
  return text(Readable.from(chunks));
}
