import { andFilters } from "../../core/access/access.ts";
import type { Model, ModelRegistry } from "../../core/records/model.ts";
import { columnsOf } from "../../core/records/model.ts";
import type { WhereFilter } from "../../core/access/access.ts";
import { decodeCursor } from "./cursor.ts";
import { keysetFilter } from "./keyset-filter.ts";
import type { OrderInput, OrderTerm } from "./order-terms.ts";
import { orderSelect, parseOrder, tieBreakers, toPrismaOrder } from "./order-terms.ts";
import type { PageArgs, PageRequest } from "./page.ts";
import { parsePageRequest } from "./page.ts";

/** The checked arguments of a connection. */
export interface ListQuery {
  readonly request: PageRequest;
  readonly terms: readonly OrderTerm[];
  /** Whether the terms tell all records apart. */
  readonly isTotal: boolean;
  /** A column to order by where there are no terms: the client reads views in some order only. */
  readonly anyColumn: string | undefined;
  /** The records between the cursors. */
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
  const limit = (name: "after" | "before", cursor: string | undefined): WhereFilter | undefined =>
    cursor === undefined
      ? undefined
      : keysetFilter(
          terms,
          models.enums(),
          decodeCursor(terms, models.enums(), name, cursor),
          name === "before",
        );
  return {
    request,
    terms,
    isTotal: tieBreakers(model).isTotal,
    anyColumn: columnsOf(model).find(({ nativeType }) => nativeType !== "json")?.name,
    between: andFilters(limit("after", request.after), limit("before", request.before)),
  };
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
