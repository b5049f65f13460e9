import type { WhereFilter } from "../../core/access/access.ts";
import type { ListPart, ListPlace } from "../../core/records/list-pages.ts";
import type { Model, ModelRegistry } from "../../core/records/model.ts";
import { decodeCursor } from "./cursor.ts";
import type { OrderInput } from "./order-terms.ts";
import { parseOrder } from "./order-terms.ts";
import type { PageArgs } from "./page.ts";
import { parsePageRequest } from "./page.ts";

/** The arguments of a connection, but for its filter. */
export interface ListArgs extends PageArgs {
  readonly orderBy?: readonly OrderInput[] | null | undefined;
}

/**
 * The part of a list that is asked for, with one record more than the page holds: it shows whether there is a next page.
 * @throws AppError VALIDATION_FAILED for impossible paging arguments and foreign cursors
 */
export function parseListPart(
  models: ModelRegistry,
  model: Model,
  args: ListArgs,
  where: WhereFilter | undefined,
): ListPart {
  const request = parsePageRequest(args);
  const terms = parseOrder(models, model, args.orderBy ?? []);
  const place = (name: "after" | "before"): ListPlace | undefined => {
    const cursor = request[name];
    return cursor === undefined ? undefined : decodeCursor(terms, name, cursor);
  };
  return {
    terms,
    where,
    after: place("after"),
    before: place("before"),
    isBackward: request.isBackward,
    limit: request.size + 1,
  };
}
