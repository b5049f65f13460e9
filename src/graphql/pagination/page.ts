import type { PageInfo, SchemaContext } from "../builder.ts";
import type { ListPart, ListPlace } from "../../core/records/list-pages.ts";
import type { LoadedList, LoadedRecord } from "../../core/records/record-lists.ts";
import { areTied, encodeCursor } from "./cursor.ts";
import { AppError } from "../../kernel/app-error.ts";

/** A page of a connection. Cursors are made only when asked for. */
export interface Page {
  readonly records: readonly LoadedRecord[];
  /** The records with their cursors. */
  edges(): readonly { readonly node: LoadedRecord; readonly cursor: () => string }[];
  info(): PageInfo;
}

/**
 * Cuts the page from what was read: one record more than the page holds if there is one. Where the order's terms do not
 * tell all records apart, equal ones stay together, since no cursor could stand between them: the page may hold fewer
 * records than were asked for.
 * @param isTotal whether the terms tell all records apart. Otherwise the records' places must have been read
 * @throws AppError VALIDATION_FAILED when more records are equal than the page holds
 */
export function toPage({ part, records: read, places: readPlaces }: LoadedList, isTotal: boolean): Page {
  if (part === undefined) {
    throw new TypeError("no page was read of the list");
  }
  const size = part.limit - 1;
  const end = isTotal ? size : wholeTies(part, read.length, readPlaces);
  const turn = <Item>(items: readonly Item[]): readonly Item[] =>
    part.isBackward ? items.slice(0, end).toReversed() : items.length > end ? items.slice(0, end) : items;
  const records = turn(read);
  const places = turn(readPlaces);
  const hasMore = read.length > size;
  const cursorAt = (at: number): string => {
    const place = places[at];
    if (place === undefined) {
      throw new TypeError("a cursor was asked for, but the places were not read");
    }
    const ties = {
      isTiedBefore: !isTotal && areTied(places[at - 1], place),
      isTiedAfter: !isTotal && areTied(places[at + 1], place),
    };
    return encodeCursor(part.terms, place, ties);
  };
  return {
    records,
    edges: () => records.map((node, at) => ({ node, cursor: () => cursorAt(at) })),
    info: () => pageInfo(part, hasMore, records.length, cursorAt),
  };
}

/** How many items are read for a page of that size: one more shows whether there is another page behind it. */
export function itemsToRead(size: number): number {
  return size + 1;
}

/**
 * Where a page stands in its list. Cursors are made only when asked for.
 * @param hasMore whether more items were read than the page holds
 * @param count the items on the page
 */
export function pageInfo(
  {
    isBackward,
    after,
    before,
  }: { readonly isBackward: boolean; readonly after?: unknown; readonly before?: unknown },
  hasMore: boolean,
  count: number,
  cursorAt: (at: number) => string,
): PageInfo {
  return {
    // On the side that was not read, there is at least the item of the cursor, or there was when the cursor was made.
    hasNextPage: isBackward ? before !== undefined : hasMore,
    hasPreviousPage: isBackward ? hasMore : after !== undefined,
    get startCursor() {
      return count === 0 ? null : cursorAt(0);
    },
    get endCursor() {
      return count === 0 ? null : cursorAt(count - 1);
    },
  };
}

/** How many of the records make a page that ends between two different ones. */
function wholeTies({ limit, isBackward }: ListPart, count: number, places: readonly ListPlace[]): number {
  const size = limit - 1;
  const next = places[size];
  if (count <= size || size === 0 || next === undefined) {
    return size;
  }
  let end = size;
  while (end > 0 && areTied(places[end - 1], next)) {
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
