import { MAX_PREVIEW_RECORDS } from "../../../core/bulk/preview.ts";
import type { StoredRecord } from "../tasks/task-previews.ts";

/** The most records that would fail, unless there is room for more. */
const MAX_FAILED = MAX_PREVIEW_RECORDS / 4;

/** So many of the items, evenly spread. */
export function spread<Item>(items: readonly Item[], count: number): readonly Item[] {
  const step = Math.max(1, items.length / count);
  return Array.from(
    { length: Math.min(items.length, count) },
    (_none, at) => items[Math.floor(at * step)] as Item,
  );
}

/** The items in an order whose first few are spread over the list, too: halves, quarters, eighths (van der Corput). */
export function inSpreadOrder<Item>(items: readonly Item[]): readonly Item[] {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(2, items.length))));
  return Array.from({ length: 2 ** bits }, (_none, at) => {
    const reversed = Array.from({ length: bits }, (_bit, place) => ((at >> place) & 1) << (bits - 1 - place));
    return reversed.reduce((sum, bit) => sum + bit, 0);
  }).flatMap((at) => (at < items.length ? [items[at] as Item] : []));
}

/** One failed record, then three written ones, and so on; as many as are kept. */
export function mixed(
  written: readonly StoredRecord[],
  failed: readonly StoredRecord[],
): readonly StoredRecord[] {
  const failures = failed.slice(0, Math.max(MAX_FAILED, MAX_PREVIEW_RECORDS - written.length));
  const rest = written.slice(0, MAX_PREVIEW_RECORDS - failures.length);
  const records: StoredRecord[] = [];
  for (let at = 0; records.length < failures.length + rest.length; at += 1) {
    records.push(...failures.slice(at, at + 1), ...rest.slice(at * 3, at * 3 + 3));
  }
  return records;
}
