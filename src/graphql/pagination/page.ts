import type { PageInfo } from "../builder.ts";
import { encodeCursor } from "./cursor.ts";
import type { OrderTerm } from "./order-terms.ts";
import type { PageRequest } from "./page-request.ts";

/** A record's columns and related records, as far as they were selected. */
export type LoadedRecord = Readonly<Record<string, unknown>>;

/** A page of a connection. Cursors are made only when asked for. */
export interface Page {
  readonly terms: readonly OrderTerm[];
  readonly request: PageRequest;
  readonly records: readonly LoadedRecord[];
  /** Whether there are more in the direction of reading. */
  readonly hasMore: boolean;
}

/**
 * Cuts the page from what was read.
 * @param rows in the order of reading (from the end for a backward page), one more than the page holds if there is one
 */
export function toPage(
  terms: readonly OrderTerm[],
  request: PageRequest,
  rows: readonly LoadedRecord[],
): Page {
  const taken = rows.slice(0, request.size);
  const records = request.isBackward ? taken.toReversed() : taken;
  return { terms, request, records, hasMore: rows.length > request.size };
}

/** On the side that was not read there is at least what the cursor was made from, or was when it was made. */
export function pageInfoOf({ terms, request, records, hasMore }: Page): PageInfo {
  const first = records[0];
  const last = records.at(-1);
  return {
    hasNextPage: request.isBackward ? request.before !== undefined : hasMore,
    hasPreviousPage: request.isBackward ? hasMore : request.after !== undefined,
    startCursor: first === undefined ? null : encodeCursor(terms, first),
    endCursor: last === undefined ? null : encodeCursor(terms, last),
  };
}
