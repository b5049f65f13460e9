import type { ReadFileRows } from "../../core/imports/file-rows.ts";
import { readCsvRows } from "./csv-rows.ts";
import { decodeText } from "./decode-text.ts";
import { readJsonlRows } from "./jsonl-rows.ts";

/** Reads CSV and JSON Lines. */
export const readFileRows: ReadFileRows = (bytes, { format, encoding, csv = {} }, limits) => {
  const pieces = decodeText(bytes, encoding, limits.maxBytes);
  return format === "CSV" ? readCsvRows(pieces, csv, limits) : readJsonlRows(pieces, limits);
};
