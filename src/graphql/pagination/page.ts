import type { PageInfo, SchemaContext } from "../builder.ts";
import type { ListPlace, OrderTerm } from "../../core/records/list-pages.ts";
import { areTied, encodeCursor, placeOf } from "./cursor.ts";
import { AppError } from "../../kernel/app-error.ts";

/** A record's columns and related records, as far as they were selected. */
export type LoadedRecord = Readonly<Record<string, unknown>>;

/** A place on a page, with its record unless that was deleted while the page was read. */
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

/** What a page was asked for, and in which order. */
interface PageQuery {
  /** The terms that cursors have values for. */
  readonly cursorTerms: readonly OrderTerm[];
  readonly request: PageRequest;
  /** Whether the terms tell all records apart. */
  readonly isTotal: boolean;
}

/**
 * Cuts the page from what the client read. Where the terms do not tell all records apart, equal ones stay together,
 * since no cursor could stand between them: the page may hold fewer records than were asked for.
 * @param rows in the order of reading (from the end for a backward page), one more than the page holds if there is one
 * @throws AppError VALIDATION_FAILED when more records are equal than the page holds
 */
export function toPage(query: PageQuery, rows: readonly LoadedRecord[]): Page {
  return cutPage(
    query,
    rows.map((record) => ({ record, place: () => placeOf(query.cursorTerms, record) })),
  );
}

/** The same from slots. */
export function cutPage({ cursorTerms, request, isTotal }: PageQuery, read: readonly Slot[]): Page {
  const taken = read.slice(0, isTotal ? request.size : wholeTies(request, read));
  const slots = request.isBackward ? taken.toReversed() : taken;
  const hasMore = read.length > request.size;
  const cursorAt = (at: number): string => {
    const place = slots[at]?.place() ?? [];
    const ties = {
      isTiedBefore: !isTotal && areTied(slots[at - 1]?.place(), place),
      isTiedAfter: !isTotal && areTied(slots[at + 1]?.place(), place),
    };
    return encodeCursor(cursorTerms, place, ties);
  };
  const isEmpty = slots.length === 0;
  return {
    records: slots.flatMap(({ record }) => (record === undefined ? [] : [record])),
    edges: () =>
      slots.flatMap(({ record: node }, at) =>
        node === undefined ? [] : [{ node, cursor: () => cursorAt(at) }],
      ),
    // On the side that was not read, there is at least the record of the cursor, or there was when the cursor was made.
    info: () => ({
      hasNextPage: request.isBackward ? request.before !== undefined : hasMore,
      hasPreviousPage: request.isBackward ? hasMore : request.after !== undefined,
      startCursor: isEmpty ? null : cursorAt(0),
      endCursor: isEmpty ? null : cursorAt(slots.length - 1),
    }),
  };
}

/** How many of the records make a page that ends between two different ones. */
function wholeTies({ size, isBackward }: PageRequest, read: readonly Slot[]): number {
  const next = read[size];
  if (next === undefined || size === 0) {
    return size;
  }
  let end = size;
  while (end > 0 && areTied(read[end - 1]?.place(), next.place())) {
    end -= 1;
  }
  if (end === 0) {
    throw invalid(
      isBackward ? "last" : "first",
      `More than ${size} of these records are equal in every column that can be ordered, so no page can end between them. Ask for more at once, up to ${MAX_PAGE_SIZE}, or narrow the list with where.`,
    );
  }
  return end;
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

/** The part of Pothos' argument builder that is used; it is the same on every kind of field. */
interface ArgumentBuilder<Arg> {
  int(options: { readonly description: string }): Arg;
  string(options: { readonly description: string }): Arg;
}

/** The arguments of every connection. */
export function pageArguments<Int, Text>(
  arg: Pick<ArgumentBuilder<Int>, "int"> & Pick<ArgumentBuilder<Text>, "string">,
): { readonly first: Int; readonly after: Text; readonly last: Int; readonly before: Text } {
  return {
    first: arg.int({
      description: `Records on the page. Default ${DEFAULT_PAGE_SIZE}, at most ${MAX_PAGE_SIZE}.`,
    }),
    after: arg.string({ description: "Only records beyond this cursor." }),
    last: arg.int({
      description: "The page's records from the end of the list; not together with `first`.",
    }),
    before: arg.string({ description: "Only records in front of this cursor." }),
  };
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
