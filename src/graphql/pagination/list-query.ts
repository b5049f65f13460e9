import type { Json } from "../../kernel/json.ts";
import type { WhereFilter } from "../../core/access/access.ts";
import { andFilters } from "../../core/access/access.ts";
import { fromColumnText } from "../../core/records/column-text.ts";
import { describeMisfit } from "../../core/records/column-value.ts";
import type { ListPlace, OrderTerm } from "../../core/records/list-pages.ts";
import type { EnumType, Model, ModelRegistry } from "../../core/records/model.ts";
import { columnsOf, hasIds } from "../../core/records/model.ts";
import { damagedCursor, decodeCursor } from "./cursor.ts";
import { keysetFilter } from "./keyset-filter.ts";
import type { OrderInput } from "./order-terms.ts";
import { isExact, orderSelect, parseOrder, tieBreakers, toPrismaOrder } from "./order-terms.ts";
import type { PageArgs, PageRequest } from "./page.ts";
import { parsePageRequest } from "./page.ts";

/** The checked arguments of a connection. */
export interface ListQuery {
  readonly request: PageRequest;
  /** The order. */
  readonly terms: readonly OrderTerm[];
  /** The terms that cursors have values for. */
  readonly cursorTerms: readonly OrderTerm[];
  /** Whether these tell all records apart. */
  readonly isTotal: boolean;
  /** A column to order by where there are no terms: the client reads views in some order only. */
  readonly anyColumn: string | undefined;
  /** Whether the records have ids. */
  readonly hasIds: boolean;
  /** The places of the cursors. */
  readonly after: ListPlace | undefined;
  readonly before: ListPlace | undefined;
  /** The records between the cursors, for lists whose records have no ids. */
  readonly between: WhereFilter | undefined;
}

/** The arguments of a connection, but for its filter. */
export interface ListArgs extends PageArgs {
  readonly orderBy?: readonly OrderInput[] | null | undefined;
}

/** @throws AppError VALIDATION_FAILED for impossible paging arguments and foreign cursors */
export function parseListQuery(models: ModelRegistry, model: Model, args: ListArgs): ListQuery {
  const request = parsePageRequest(args);
  const terms = parseOrder(models, model, args.orderBy ?? []);
  const cursorTerms = hasIds(model) ? terms : tellableTerms(terms);
  const place = (name: "after" | "before"): ListPlace | undefined => {
    const cursor = request[name];
    return cursor === undefined ? undefined : decodeCursor(cursorTerms, name, cursor);
  };
  const after = place("after");
  const before = place("before");
  const enums = models.enums();
  return {
    request,
    terms,
    cursorTerms,
    isTotal: tieBreakers(model).isTotal && cursorTerms.length === terms.length,
    anyColumn: columnsOf(model).find(({ nativeType }) => nativeType !== "json")?.name,
    hasIds: hasIds(model),
    after,
    before,
    between: hasIds(model)
      ? undefined
      : andFilters(
          after && keysetFilter(cursorTerms, enums, valuesOf(cursorTerms, enums, "after", after), false),
          before && keysetFilter(cursorTerms, enums, valuesOf(cursorTerms, enums, "before", before), true),
        ),
  };
}

/**
 * The terms up to the first one whose values the client reads with loss. Records that differ only in what was lost, or in
 * later terms, count as equal: they stay on one page.
 */
function tellableTerms(terms: readonly OrderTerm[]): readonly OrderTerm[] {
  const inexact = terms.findIndex((term) => !isExact(term));
  return inexact === -1 ? terms : terms.slice(0, inexact + 1);
}

/** A place's values in the form that filters take. @throws AppError VALIDATION_FAILED for a damaged cursor */
function valuesOf(
  terms: readonly OrderTerm[],
  enums: readonly EnumType[],
  name: "after" | "before",
  place: ListPlace,
): readonly Json[] {
  const values = terms.map(({ column }, at) => fromColumnText(column, place[at] ?? null));
  const isFit = terms.every(({ column }, at) => {
    const value = values[at] ?? null;
    return value === null || describeMisfit(column, enums, value) === undefined;
  });
  if (!isFit) {
    throw damagedCursor(name);
  }
  return values;
}

/**
 * Whether the client can read the page by itself: it begins at an end of the list, and the client reads the values of
 * the order without loss; or the records have no ids. Otherwise `ListPages` finds the page's records.
 */
export function isPlainList({ hasIds: isNamed, terms, after, before }: ListQuery): boolean {
  return !isNamed || (after === undefined && before === undefined && terms.every(isExact));
}

/** The client's arguments except `where`. Reads one record more than the page holds, to see whether there is a next page. */
export function toPrismaList(query: ListQuery): {
  orderBy: readonly object[];
  take: number;
  select: Record<string, unknown>;
} {
  const { terms, request, anyColumn } = query;
  return {
    orderBy:
      terms.length === 0 && anyColumn !== undefined
        ? [{ [anyColumn]: "asc" }]
        : toPrismaOrder(terms, request.isBackward),
    take: request.size + 1,
    select: orderSelect(terms),
  };
}
