import type { ListPlace, OrderTerm } from "../../core/records/list-pages.ts";
import type { Model, ModelRegistry } from "../../core/records/model.ts";
import { decodeCursor } from "./cursor.ts";
import type { OrderInput } from "./order-terms.ts";
import { isExact, orderSelect, parseOrder, toPrismaOrder } from "./order-terms.ts";
import type { PageArgs, PageRequest } from "./page.ts";
import { parsePageRequest } from "./page.ts";

/** The checked arguments of a connection. */
export interface ListQuery {
  readonly request: PageRequest;
  readonly terms: readonly OrderTerm[];
  /** The places of the cursors. */
  readonly after: ListPlace | undefined;
  readonly before: ListPlace | undefined;
}

/** The arguments of a connection, but for its filter. */
export interface ListArgs extends PageArgs {
  readonly orderBy?: readonly OrderInput[] | null | undefined;
}

/** @throws AppError VALIDATION_FAILED for impossible paging arguments and foreign cursors */
export function parseListQuery(models: ModelRegistry, model: Model, args: ListArgs): ListQuery {
  const request = parsePageRequest(args);
  const terms = parseOrder(models, model, args.orderBy ?? []);
  const place = (name: "after" | "before"): ListPlace | undefined => {
    const cursor = request[name];
    return cursor === undefined ? undefined : decodeCursor(terms, name, cursor);
  };
  return { request, terms, after: place("after"), before: place("before") };
}

/**
 * Whether the client can read the page by itself: it begins at an end of the list, and the client reads the values of
 * the order without loss. Otherwise `ListPages` finds the page's records.
 */
export function isPlainList({ terms, after, before }: ListQuery): boolean {
  return after === undefined && before === undefined && terms.every(isExact);
}

/** The client's arguments except `where`. Reads one record more than the page holds, to see whether there is a next page. */
export function toPrismaList(query: ListQuery): {
  orderBy: readonly object[];
  take: number;
  select: Record<string, unknown>;
} {
  return {
    orderBy: toPrismaOrder(query.terms, query.request.isBackward),
    take: query.request.size + 1,
    select: orderSelect(query.terms),
  };
}
