import { filterKey } from "../../core/filters/operators.ts";
import type { Json, JsonObject } from "../../kernel/json.ts";
import { andFilters } from "../../core/access/access.ts";
import type { ColumnField, EnumType } from "../../core/records/model.ts";
import type { WhereFilter } from "../../core/access/access.ts";
import type { ListPart, ListPlace, OrderTerm } from "../../core/records/list-pages.ts";
import { damagedCursor, isNullableTerm } from "../../core/records/list-pages.ts";
import { fromColumnText } from "../../core/records/column-text.ts";
import { describeMisfit } from "../../core/records/column-value.ts";
import { isExact, tellableTerms } from "./prisma-order.ts";

/** Matches nothing. */
const NOTHING: WhereFilter = { OR: [] };

/**
 * The records between the part's places.
 * @throws AppError VALIDATION_FAILED for a place with values that the order's columns do not have
 */
export function betweenFilter(
  enums: readonly EnumType[],
  { terms, after, before }: ListPart,
): WhereFilter | undefined {
  const told = tellableTerms(terms);
  return andFilters(
    after && keysetFilter(told, enums, valuesOf(told, enums, "after", after), false),
    before && keysetFilter(told, enums, valuesOf(told, enums, "before", before), true),
  );
}

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
 * The records beyond a cursor: after it, or before it when `isBefore`. With terms a, b and key k:
 * a beyond, or a equal and b beyond, or a and b equal and k beyond (keyset pagination; see use-the-index-luke.com).
 */
function keysetFilter(
  terms: readonly OrderTerm[],
  enums: readonly EnumType[],
  values: readonly Json[],
  isBefore: boolean,
): WhereFilter {
  const branches = terms.flatMap((term, at) => {
    const beyond = beyondFilter(term, enums, values[at] ?? null, isBefore);
    const equal = terms.slice(0, at).map((earlier, place) => equalFilter(earlier, values[place] ?? null));
    return beyond === undefined ? [] : [andFilters(...equal, beyond) ?? {}];
  });
  return branches.length === 0
    ? NOTHING
    : (andFilters(leadingBound(terms, values, isBefore), { OR: branches }) ?? NOTHING);
}

/** A condition that the branches imply. An index can serve it, but not the OR of the branches. */
function leadingBound(
  terms: readonly OrderTerm[],
  values: readonly Json[],
  isBefore: boolean,
): WhereFilter | undefined {
  const [term] = terms;
  const value = values[0] ?? null;
  if (
    term === undefined ||
    value === null ||
    terms.length === 1 ||
    isNullableTerm(term) ||
    !isComparable(term)
  ) {
    return undefined;
  }
  return atColumn(term, { [term.isDescending === isBefore ? "gte" : "lte"]: value });
}

function beyondFilter(
  term: OrderTerm,
  enums: readonly EnumType[],
  value: Json,
  isBefore: boolean,
): WhereFilter | undefined {
  const areNullsBeyond = term.areNullsFirst === isBefore;
  if (value === null) {
    return areNullsBeyond ? undefined : notNullFilter(term);
  }
  const comparison = comparisonBeyond(term, enums, value, term.isDescending === isBefore);
  const beyond = comparison === undefined ? undefined : atColumn(term, comparison);
  if (!areNullsBeyond || !isNullableTerm(term)) {
    return beyond;
  }
  return beyond === undefined ? nullFilter(term) : { OR: [beyond, nullFilter(term)] };
}

/** Undefined if no value can be greater (or less). */
function comparisonBeyond(
  term: OrderTerm,
  enums: readonly EnumType[],
  value: Json,
  isGreater: boolean,
): JsonObject | undefined {
  if (isComparable(term)) {
    return beyondValue(term, value, isGreater);
  }
  // The client cannot compare enums and booleans, so their few values are listed.
  const all = sortedValues(term.column, enums);
  const place = all.indexOf(value);
  const beyond = isGreater ? all.slice(place + 1) : all.slice(0, Math.max(place, 0));
  if (beyond.length === 0) {
    return undefined;
  }
  return term.column.type === "Boolean" ? { equals: beyond[0] ?? null } : { in: beyond };
}

/** All values of a boolean or an enum, in the order in which the database sorts them. */
function sortedValues(column: ColumnField, enums: readonly EnumType[]): readonly Json[] {
  return column.kind === "enum"
    ? (column.sortedValues ?? enums.find(({ name }) => name === column.type)?.values ?? [])
    : [false, true];
}

function beyondValue(term: OrderTerm, value: Json, isGreater: boolean): JsonObject {
  if (isGreater && !isExact(term) && typeof value === "string") {
    // The value has lost what is below the millisecond, so what is greater begins with the next one.
    return { gte: new Date(Date.parse(value) + 1).toISOString() };
  }
  return { [isGreater ? "gt" : "lt"]: value };
}

function isComparable(term: OrderTerm): boolean {
  return term.column.kind === "scalar" && term.column.type !== "Boolean";
}

function equalFilter(term: OrderTerm, value: Json): WhereFilter {
  return value === null ? nullFilter(term) : atColumn(term, { equals: value });
}

/** The operators on the term's column, under the relations that lead to it. */
function atColumn(term: OrderTerm, operators: JsonObject): WhereFilter {
  return term.relations.reduceRight<WhereFilter>(
    (inner, relation) => ({ [filterKey(relation)]: { is: inner } }),
    {
      [filterKey(term.column)]: operators,
    },
  );
}

function notNullFilter(term: OrderTerm): WhereFilter {
  return { NOT: nullFilter(term) };
}

/** No value: the column is null, or a relation on the way is empty. */
function nullFilter(term: OrderTerm): WhereFilter {
  const column: readonly WhereFilter[] = term.column.isNullable
    ? [{ [filterKey(term.column)]: { isNull: true } }]
    : [];
  const ways = term.relations.reduceRight<readonly WhereFilter[]>((inner, relation) => {
    const under = inner.map((filter): WhereFilter => ({ [filterKey(relation)]: { is: filter } }));
    return relation.isNullable ? [{ [filterKey(relation)]: { is: null } }, ...under] : under;
  }, column);
  return ways.length === 1 ? (ways[0] ?? NOTHING) : { OR: ways };
}
