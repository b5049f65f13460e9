import type { JsonObject } from "../../kernel/json.ts";
import type { FileLimits, FilePage, FileRow } from "../../core/imports/file-rows.ts";
import type { TextRecord } from "./split-records.ts";
import { createRecordSplitter } from "./split-records.ts";

/** The rows of a JSON Lines file: one object a line. Empty lines are no rows. */
export async function* readJsonlRows(
  pieces: AsyncIterable<string>,
  { maxRowLength }: FileLimits,
): AsyncGenerator<FilePage, undefined> {
  const splitter = createRecordSplitter(undefined, maxRowLength);
  for await (const piece of pieces) {
    yield { rows: rowsOf(splitter.split(piece)) };
  }
  yield { rows: rowsOf(splitter.end()) };
}

function rowsOf(records: readonly TextRecord[]): readonly FileRow[] {
  return records
    .filter(({ text }) => text.trim() !== "")
    .map(({ line, text }) => ({ line, text, content: objectOf(text) }));
}

function objectOf(text: string): JsonObject | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "The line is not JSON: each line has to be one object.";
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : 'The line is not a JSON object, such as {"name": "Paris"}.';
}
