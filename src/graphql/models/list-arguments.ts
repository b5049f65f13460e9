import { AppError } from "../../kernel/app-error.ts";
import { scopeFilter } from "../../core/filters/scope-filter.ts";
import type { Model, RelationField } from "../../core/records/model.ts";
import { apiNameOf, columnsOf, hasIds, relationsOf } from "../../core/records/model.ts";
import { isSortable } from "../../core/records/field-switches.ts";
import type { WhereFilter } from "../../core/access/access.ts";
import { andFilters } from "../../core/access/access.ts";
import type { BuilderTypes, GraphQLContext, PowerCrudBuilder } from "../builder.ts";
import { describedValues } from "../builder.ts";
import { idsOf } from "../record-ids.ts";
import { SHARED_INPUTS } from "./model-names.ts";
import type { AnyEnumRef, ModelPorts, ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import { keysFilter } from "../../core/filters/keys-filter.ts";
import { parseRecordId } from "../../core/records/record-key.ts";
import { parseFilter } from "../../core/filters/parse-filter.ts";
import { whereInput } from "./where-input.ts";
import type { ListPart, ListPlace } from "../../core/records/list-pages.ts";
import { parseSearch } from "../../core/filters/search-filter.ts";
import { MAX_SEARCH_LENGTH } from "../../core/records/text-search.ts";
import type { Parsed } from "../../core/refusals/problems.ts";
import { decodeCursor } from "../pagination/cursor.ts";
import type { OrderInput, OrderPorts } from "../../core/filters/order-terms.ts";
import { isOrderable, parseOrder, rankedFirst, refuseOrder } from "../../core/filters/order-terms.ts";
import type { PageArgs } from "../pagination/page.ts";
import { itemsToRead, pageArguments, parsePageRequest } from "../pagination/page.ts";
import type { ArgumentRef } from "@pothos/core";

/** The enums of filters and orders. */
export interface ListEnums {
  readonly mode: AnyEnumRef;
  readonly orders: SortOrders;
}

/** The part of Pothos' argument builder that is used; it is the same on every kind of field. */
interface ArgumentBuilder {
  (options: {
    readonly type: AnyInputRef | readonly [AnyInputRef];
    readonly description?: string;
  }): ArgumentMap[string];
  idList(options: { readonly description: string; readonly extensions: object }): ArgumentMap[string];
  int(options: { readonly description: string }): ArgumentMap[string];
  string(options: { readonly description: string }): ArgumentMap[string];
}

type ArgumentMap = Record<string, ArgumentRef<BuilderTypes, unknown>>;

/** The most ids of one list. */
const MAX_IDS = 1_000;

/** The arguments that say which records of the model are meant. */
export function choiceArguments(
  schema: ModelSchema,
  { mode }: Pick<ListEnums, "mode">,
  model: Model,
  arg: unknown,
): ArgumentMap {
  const build = arg as ArgumentBuilder;
  return {
    where: build({ type: whereInput(schema, mode, model) }),
    ...(hasIds(model)
      ? {
          ids: build.idList({
            ...idsOf(model.name),
            description: `Only records with these ids, at most ${MAX_IDS}; ids of no record that the caller may see are left out.`,
          }),
        }
      : {}),
    ...(model.search === undefined ? {} : { search: build.string({ description: searchWords(model) }) }),
  };
}

/** What a search of the model's records finds, for descriptions. */
export function searchWords(model: Model): string {
  const names = model.search?.fields.map((field) => `\`${apiNameOf(model, field)}\``).join(", ") ?? "";
  return `Only records with these words in ${names}, the last as the beginning of one, in the syntax of search engines. At most ${MAX_SEARCH_LENGTH} characters.`;
}

/** The arguments of every connection of the model. */
export function listArguments(
  schema: ModelSchema,
  enums: ListEnums,
  model: Model,
  arg: unknown,
): ArgumentMap {
  const build = arg as ArgumentBuilder;
  return {
    ...choiceArguments(schema, enums, model, arg),
    ...(hasOrder(schema, model)
      ? {
          orderBy: build({
            type: [orderInput(schema, enums.orders, model)],
            description: `Most significant first. Default: ${model.search === undefined ? "" : "with `search` the best matches first; else "}${hasIds(model) ? "by key" : "by the columns that tell records apart"}.`,
          }),
        }
      : {}),
    ...pageArguments(build),
  };
}

/**
 * The part of the model's list that the arguments ask for, within the viewer's scope.
 * @throws AppError VALIDATION_FAILED
 */
export function parseList(
  ports: ModelPorts,
  context: GraphQLContext,
  model: Model,
  args: Record<string, unknown>,
): ListPart {
  const { access, models } = ports;
  const orders = { models, scopeOf: (of: string) => access.scope(of, context.viewer, "READ") };
  const part = parseListPart(orders, model, args, parseChoice(ports, context, model, args));
  const { orderBy } = args as ListArgs;
  if (orderBy != null && orderBy.length > 0) {
    refuseOrder(ports, context.viewer, model, part.terms.slice(0, orderBy.length));
  }
  return part;
}

/** The arguments of a connection, but for its filter. */
export interface ListArgs extends PageArgs {
  readonly orderBy?: readonly OrderInput[] | null | undefined;
}

/**
 * The part of a list that is asked for, with one record more than the page holds: it shows whether there is a next page.
 * @throws AppError VALIDATION_FAILED for impossible paging arguments and foreign cursors
 */
export function parseListPart(
  ports: OrderPorts,
  model: Model,
  args: ListArgs,
  where: WhereFilter | undefined,
): ListPart {
  const request = parsePageRequest(args);
  const orderBy = args.orderBy ?? [];
  const terms = rankedFirst(parseOrder(ports, model, orderBy), orderBy, where);
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
    limit: itemsToRead(request.size),
  };
}

/**
 * The records that the arguments choose, within the viewer's scope; undefined for all.
 * @throws AppError VALIDATION_FAILED
 */
export function parseChoice(
  ports: ModelPorts,
  { viewer }: GraphQLContext,
  model: Model,
  args: Record<string, unknown>,
): WhereFilter | undefined {
  const where = parseWhere(ports, model, args["where"]);
  const search = valueOf(parseSearch(model, args["search"]), "search");
  return scopeFilter(ports, viewer, model, andFilters(where, parseIds(model, args["ids"]), search));
}

function parseIds(model: Model, ids: unknown): WhereFilter | undefined {
  if (ids === undefined || ids === null) {
    return undefined;
  }
  const given = ids as readonly (string | number)[];
  if (given.length > MAX_IDS) {
    const message = `ids must name at most ${MAX_IDS} records, not ${given.length}. Ask for the others by another request.`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field: "ids" } });
  }
  const canonical = given.map((id, at) => {
    const parsed = parseRecordId(model, String(id));
    if ("value" in parsed) {
      return parsed.value;
    }
    const field = `ids[${at}]`;
    const message = `${field}: ${parsed.problems[0]?.message ?? ""}`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field } });
  });
  return keysFilter(model, [...new Set(canonical)]);
}

function parseWhere(ports: ModelPorts, model: Model, where: unknown): WhereFilter | undefined {
  if (where === undefined || where === null) {
    return undefined;
  }
  return valueOf(parseFilter(ports.models, model, where), "where");
}

/** @throws AppError VALIDATION_FAILED that tells all problems */
function valueOf<Value>(parsed: Parsed<Value>, argument: string): Value {
  if ("value" in parsed) {
    return parsed.value;
  }
  const [first] = parsed.problems;
  throw new AppError("VALIDATION_FAILED", parsed.problems.map(({ message }) => message).join(" "), {
    details: { field: first?.field ?? argument },
  });
}

/** The directions of an order. */
interface SortOrders {
  readonly plain: AnyEnumRef;
  readonly nullable: AnyEnumRef;
}

/** The enums `SortOrder` and `NullableSortOrder`. */
export function addSortOrders(builder: PowerCrudBuilder): SortOrders {
  return {
    plain: builder.enumType("SortOrder", {
      description: "The direction of an order.",
      values: describedValues({ ASC: "Ascending.", DESC: "Descending." }),
    }),
    nullable: builder.enumType("NullableSortOrder", {
      description:
        "The direction of an order, and where records without a value stand. Without a place: last when ascending, first when descending.",
      values: describedValues({
        ASC: "Ascending; records without a value last.",
        DESC: "Descending; records without a value first.",
        ASC_NULLS_FIRST: "Ascending; records without a value first.",
        ASC_NULLS_LAST: "Ascending; records without a value last.",
        DESC_NULLS_FIRST: "Descending; records without a value first.",
        DESC_NULLS_LAST: "Descending; records without a value last.",
      }),
    }),
  };
}

/** One criterion of an order: `CityOrderBy`. */
function orderInput(schema: ModelSchema, orders: SortOrders, model: Model): AnyInputRef {
  const name = schema.names.of(model).orderBy;
  return schema.input(name, {
    description:
      "One criterion: exactly one field, one field of a related record, or the number of related records. Ties are broken by the key.",
    isOneOf: true,
    fields: (t) => ({
      ...Object.fromEntries(
        columnsOf(model)
          .filter((field) => isOrderable(field) && isSortable(field))
          .map((field) => [
            field.apiName,
            t.field({ type: field.isNullable ? orders.nullable : orders.plain }),
          ]),
      ),
      ...Object.fromEntries(
        orderedRelations(model)
          .filter((field) => hasOrder(schema, schema.models.get(field.type)))
          .map((field) => [
            field.apiName,
            t.field({ type: orderInput(schema, orders, schema.models.get(field.type)) }),
          ]),
      ),
      ...Object.fromEntries(
        countedRelations(model).map((field) => [
          field.apiName,
          t.field({ type: countOrderInput(schema, orders) }),
        ]),
      ),
    }),
  });
}

/** An order by a list of related records: `CountOrderBy`. */
function countOrderInput(schema: ModelSchema, orders: SortOrders): AnyInputRef {
  return schema.input(SHARED_INPUTS.countOrderBy, {
    description: "An order by the related records in a list.",
    isOneOf: true,
    fields: (t) => ({
      count: t.field({
        type: orders.plain,
        description: "How many there are that the caller may see.",
      }),
    }),
  });
}

/** Whether the model has something to sort by, of its own or of a related record. */
function hasOrder(schema: ModelSchema, model: Model): boolean {
  const related = orderedRelations(model).map(({ type }) => schema.models.get(type));
  return [model, ...related].some(
    (each) =>
      countedRelations(each).length > 0 ||
      columnsOf(each).some((field) => isOrderable(field) && isSortable(field)),
  );
}

/** The relations that lead to one record, and that callers may sort by. */
function orderedRelations(model: Model): readonly RelationField[] {
  return relationsOf(model).filter((field) => !field.isList && isSortable(field));
}

/** The relations that lead to lists, and that callers may sort by. */
function countedRelations(model: Model): readonly RelationField[] {
  return relationsOf(model).filter((field) => field.isList && isSortable(field));
}
