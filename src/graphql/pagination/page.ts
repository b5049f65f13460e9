import type { PageInfo, SchemaContext } from "../builder.ts";
import type { ListPlace, OrderTerm } from "../../core/records/list-pages.ts";
import { encodeCursor, placeOf } from "./cursor.ts";
import { AppError } from "../../kernel/app-error.ts";

/** A record's columns and related records, as far as they were selected. */
export type LoadedRecord = Readonly<Record<string, unknown>>;

/** A record on a page, or only its place where the record was deleted while the page was read. */
interface Slot {
  readonly record: LoadedRecord | undefined;
  readonly place: () => ListPlace;
}

/** A page of a connection. Cursors are made only when asked for. */
export interface Page {
  readonly records: readonly LoadedRecord[];
  /** The records with their cursors. */
  edges(): readonly { readonly node: LoadedRecord; readonly cursor: () => string }[];
  info(): PageInfo;
}

/**
 * Cuts the page from what the client read.
 * @param rows in the order of reading (from the end for a backward page), one more than the page holds if there is one
 */
export function toPage(
  terms: readonly OrderTerm[],
  request: PageRequest,
  rows: readonly LoadedRecord[],
): Page {
  return cutPage(
    terms,
    request,
    rows.map((record) => ({ record, place: () => placeOf(terms, record) })),
  );
}

/** The same from slots. */
export function cutPage(terms: readonly OrderTerm[], request: PageRequest, read: readonly Slot[]): Page {
  const taken = read.slice(0, request.size);
  const slots = request.isBackward ? taken.toReversed() : taken;
  const hasMore = read.length > request.size;
  const cursorOf = (slot: Slot | undefined): string | null =>
    slot === undefined ? null : encodeCursor(terms, slot.place());
  return {
    records: slots.flatMap(({ record }) => (record === undefined ? [] : [record])),
    edges: () =>
      slots.flatMap(({ record: node, place }) =>
        node === undefined ? [] : [{ node, cursor: () => encodeCursor(terms, place()) }],
      ),
    // On the side that was not read, there is at least the record of the cursor, or there was when the cursor was made.
    info: () => ({
      hasNextPage: request.isBackward ? request.before !== undefined : hasMore,
      hasPreviousPage: request.isBackward ? hasMore : request.after !== undefined,
      startCursor: cursorOf(slots[0]),
      endCursor: cursorOf(slots.at(-1)),
    }),
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
