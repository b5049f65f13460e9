import { AppError } from "../../kernel/app-error.ts";
import { oncePer } from "../../kernel/once-per.ts";
import type { WhereFilter } from "../access/access.ts";
import { RECORD_COUNT } from "../records/aggregates.ts";
import { isReadable, isSortable } from "../records/field-switches.ts";
import type { OrderRelation, OrderTerm } from "../records/list-pages.ts";
import type { ColumnField, Model, ModelRegistry } from "../records/model.ts";
import { columnsOf, hasIds } from "../records/model.ts";
import { refuseHidden, refuseModel } from "../records/read-rights.ts";
import { RELEVANCE } from "../records/text-search.ts";
import type { Viewer } from "../access/viewer.ts";
import type { ScopePorts } from "./scope-filter.ts";
import { searchIn } from "./search-filter.ts";

/**
 * One element of an `orderBy` argument: one field with its direction, one relation to a record with such an element, or
 * one relation to a list with `count` and a direction.
 */
export type OrderInput = Readonly<{ [field: string]: string | OrderInput | null | undefined }>;

/** Lists, JSON and bytes have no order that the client could page by. Cursors have values, so none of hidden columns. */
export function isOrderable(field: ColumnField): boolean {
  return isReadable(field) && !field.isList && field.type !== "Json" && field.type !== "Bytes";
}

/** The columns that end every order of a model's records. */
interface TieBreakers {
  readonly columns: readonly ColumnField[];
  /** Whether they tell all records apart: then pages have neither gaps nor repeats. */
  readonly isTotal: boolean;
}

/**
 * The key; for a read-only list another unique key, which only cannot be an id. Nothing is unique in a view: its records
 * are ordered by all of their columns, and can still be equal in those.
 */
export const tieBreakers: (model: Model) => TieBreakers = oncePer((model) => {
  const columns = new Map(columnsOf(model).map((field) => [field.name, field]));
  const unique = [model.primaryKey, ...model.uniques.map(({ fields }) => fields.map(({ name }) => name))]
    .map((names) => names.map((name) => columns.get(name)))
    .find(
      (fields) =>
        fields.length > 0 && fields.every((field) => field && !field.isNullable && isOrderable(field)),
    );
  if (hasIds(model) || (unique !== undefined && !model.isView)) {
    return { columns: hasIds(model) ? model.key : (unique as readonly ColumnField[]), isTotal: true };
  }
  return { columns: columnsOf(model).filter(isOrderable), isTotal: false };
});

/** Elements of an order. */
export const MAX_TERMS = 20;
/** Relations on the way to the column of a term: each joins a table. */
const MAX_RELATIONS = 5;

/** What orders are parsed with. */
export interface OrderPorts {
  readonly models: ModelRegistry;
  /** The viewer's scope within a model; undefined for all records. */
  scopeOf(model: string): WhereFilter | undefined;
}

/**
 * The terms of an order, with the missing ones of the model's tie breakers appended.
 *
 * @throws AppError VALIDATION_FAILED for an element that does not name exactly one field, and for too many elements
 */
export function parseOrder(
  ports: OrderPorts,
  model: Model,
  inputs: readonly OrderInput[],
): readonly OrderTerm[] {
  if (inputs.length > MAX_TERMS) {
    const message = `orderBy may have at most ${MAX_TERMS} elements; there are ${inputs.length}.`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field: "orderBy", max: MAX_TERMS } });
  }
  const asked = inputs.map((input) => parseTerm(ports, model, input, []));
  const keys = tieBreakers(model).columns.map((column): OrderTerm => ({
    relations: [],
    column,
    isDescending: false,
    areNullsFirst: false,
  }));
  const terms = new Map<string, OrderTerm>();
  for (const term of [...asked, ...keys]) {
    const path = termPath(term);
    if (!terms.has(path)) {
      terms.set(path, term);
    }
  }
  return [...terms.values()];
}

/** `name`, `country.name`, `cities.count`, in the API's names; `relevance to "paris"`. */
export function termPath({ relations, counted, column, search }: OrderTerm): string {
  const lists = counted === undefined ? [] : [counted];
  const path = [...relations, ...lists, column].map((field) => field.apiName).join(".");
  return search === undefined ? path : `${path} to ${JSON.stringify(search.text)}`;
}

function parseTerm(
  ports: OrderPorts,
  model: Model,
  input: OrderInput,
  relations: readonly OrderRelation[],
): OrderTerm {
  const entries = Object.entries(input).filter(([, value]) => value !== undefined && value !== null);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    throw new AppError(
      "VALIDATION_FAILED",
      "Each element of orderBy names exactly one field, such as {id: ASC}.",
      {
        details: { field: "orderBy" },
      },
    );
  }
  const [name, value] = entry;
  const field = model.fields.find((candidate) => candidate.apiName === name);
  if (field === undefined || !isSortable(field)) {
    const message = `${model.apiName} has no field "${name}" that records can be sorted by.`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field: "orderBy" } });
  }
  if (field.kind === "relation" && relations.length === MAX_RELATIONS) {
    const message = `An element of orderBy may go over at most ${MAX_RELATIONS} relations.`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field: "orderBy", max: MAX_RELATIONS } });
  }
  if (field.kind === "relation") {
    const inner = value as OrderInput;
    const related = { ...field, where: ports.scopeOf(field.type) };
    return field.isList
      ? { relations, counted: related, column: RECORD_COUNT, ...directionOf(inner["count"] as string) }
      : parseTerm(ports, ports.models.get(field.type), inner, [...relations, related]);
  }
  return { relations, column: field, ...directionOf(value as string) };
}

/** What a value of `SortOrder` or `NullableSortOrder` means. */
export function directionOf(sort: string): Pick<OrderTerm, "isDescending" | "areNullsFirst"> {
  const [direction, , place] = sort.split("_");
  const isDescending = direction === "DESC";
  // PostgreSQL's own rule where the caller does not say: null counts as the largest value.
  return { isDescending, areNullsFirst: place === undefined ? isDescending : place === "FIRST" };
}

/** The terms that the caller asks for; where it asks for none, the relevance of its search first. */
export function rankedFirst(
  terms: readonly OrderTerm[],
  orderBy: readonly OrderInput[],
  where: WhereFilter | undefined,
): readonly OrderTerm[] {
  const search = orderBy.length === 0 ? searchIn(where) : undefined;
  return search === undefined
    ? terms
    : [{ relations: [], column: RELEVANCE, search, isDescending: true, areNullsFirst: false }, ...terms];
}

/** @throws AppError FORBIDDEN where the order would tell values that the viewer may not read */
export function refuseOrder(
  { access, models }: ScopePorts,
  viewer: Viewer,
  model: Model,
  terms: readonly OrderTerm[],
): void {
  for (const { relations, counted, column } of terms) {
    let of = model;
    for (const relation of [...relations, ...(counted === undefined ? [] : [counted])]) {
      refuseHidden(access, viewer, of, relation);
      of = models.get(relation.type);
      refuseModel(access, viewer, of);
    }
    if (counted === undefined) {
      refuseHidden(access, viewer, of, column);
    }
  }
}
