import type { PageInfo, SchemaContext } from "../builder.ts";
import { encodeCursor } from "./cursor.ts";
import type { OrderTerm } from "./order-terms.ts";
import { AppError } from "../../kernel/app-error.ts";

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

/** On the side that was not read, there is at least the record of the cursor, or there was when the cursor was made. */
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

/** Records on a page when the caller does not say. */
export const DEFAULT_PAGE_SIZE = 20;
/** The most records on a page. */
export const MAX_PAGE_SIZE = 1_000;

/** The paging arguments of every connection. */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** The page that is asked for. */
export interface PageRequest {
  readonly size: number;
  /** From the end (`last`), so the list is read in reverse. */
  readonly isBackward: boolean;
  readonly after: string | undefined;
  readonly before: string | undefined;
}

/** @throws AppError VALIDATION_FAILED naming the argument, what is wrong with it and what would be right */
export function parsePageRequest(args: PageArgs): PageRequest {
  const first = args.first ?? undefined;
  const last = args.last ?? undefined;
  if (first !== undefined && last !== undefined) {
    throw invalid("first", "Give either first or last, not both.");
  }
  const size = last ?? first ?? DEFAULT_PAGE_SIZE;
  checkSize(last === undefined ? "first" : "last", size);
  return {
    size,
    isBackward: last !== undefined,
    after: args.after ?? undefined,
    before: args.before ?? undefined,
  };
}

function checkSize(name: string, size: number): void {
  if (size < 0) {
    throw invalid(name, `${name} must be 0 or more, not ${size}.`);
  }
  if (size > MAX_PAGE_SIZE) {
    const advice = "Ask for the next page with after.";
    throw invalid(name, `${name} must be at most ${MAX_PAGE_SIZE}, not ${size}. ${advice}`);
  }
}

function invalid(field: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", message, { details: { field } });
}

/** The type `PageInfo`. */
export function addPageInfo({ refs }: SchemaContext): void {
  refs.pageInfo.implement({
    description: "Where a page stands in its list.",
    fields: (t) => ({
      hasNextPage: t.exposeBoolean("hasNextPage", {
        description: "Reading backward: whether a `before` cursor was given.",
      }),
      hasPreviousPage: t.exposeBoolean("hasPreviousPage", {
        description: "Reading forward: whether an `after` cursor was given.",
      }),
      startCursor: t.exposeString("startCursor", { nullable: true, description: "Null on an empty page." }),
      endCursor: t.exposeString("endCursor", { nullable: true, description: "Null on an empty page." }),
    }),
  });
}
