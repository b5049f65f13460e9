import { toColumnText } from "../../core/records/column-text.ts";
import type { ListPlace, OrderTerm } from "../../core/records/list-pages.ts";
import { AppError } from "../../kernel/app-error.ts";
import { toJsonValue } from "../../kernel/json.ts";

/**
 * Whether the client reads the column's values without loss, so that a cursor can be made of them: its times have
 * milliseconds.
 */
export function isExact({ column }: OrderTerm): boolean {
  return (
    column.type !== "DateTime" ||
    /^(?:date|timestamp\([0-3]\) with(?:out)? time zone)$/.test(column.nativeType ?? "")
  );
}

/** Whether the client can order by the term: it can count related records, and follow relations, only without a filter. */
export function isOrderedByPrisma({ relations, counted }: OrderTerm): boolean {
  return counted === undefined && relations.every(({ where }) => where === undefined);
}

/**
 * The terms as the client's `orderBy`; in reverse for reading a list from its end.
 * @throws AppError VALIDATION_FAILED for a term that the client cannot order by
 */
export function toPrismaOrder(terms: readonly OrderTerm[], isReversed: boolean): readonly object[] {
  return terms.map((term) => {
    if (!isOrderedByPrisma(term)) {
      const path = [...term.relations, term.counted ?? term.column].map(({ apiName }) => apiName).join(".");
      const message = `orderBy: with POWERCRUD_READER=prisma this list, whose records have no ids, cannot be ordered by ${path}. Choose another order.`;
      throw new AppError("VALIDATION_FAILED", message, { details: { field: "orderBy" } });
    }
    const sort = term.isDescending === isReversed ? "asc" : "desc";
    const nulls = term.areNullsFirst === isReversed ? "last" : "first";
    // The client takes a place for nulls only of columns that may be null.
    const direction = term.column.isNullable ? { sort, nulls } : sort;
    return term.relations.reduceRight<object>((inner, relation) => ({ [relation.name]: inner }), {
      [term.column.name]: direction,
    });
  });
}

/** The columns that cursors are made of, as a part of the client's `select`. */
export function orderSelect(terms: readonly OrderTerm[]): Record<string, unknown> {
  const select: Record<string, unknown> = {};
  for (const term of terms) {
    let level = select;
    for (const relation of term.relations) {
      const inner = (level[relation.name] ?? { select: {} }) as { select: Record<string, unknown> };
      level[relation.name] = inner;
      level = inner.select;
    }
    level[term.column.name] = true;
  }
  return select;
}

/**
 * The place of a record that the client read. What stands behind a value that the client reads with loss is left out, so
 * records that differ only there have the same place.
 */
export function placeOf(terms: readonly OrderTerm[], record: Readonly<Record<string, unknown>>): ListPlace {
  const told = tellableTerms(terms).length;
  return terms.map((term, at) => {
    const value = at < told ? valueOf(term, record) : "";
    // JSON has neither NaN nor infinity.
    return typeof value === "number" ? String(value) : toColumnText(term.column, toJsonValue(value));
  });
}

/**
 * The terms up to the first one whose values the client reads with loss. Records that differ only in what was lost, or in
 * later terms, count as equal: they stay on one page.
 */
export function tellableTerms(terms: readonly OrderTerm[]): readonly OrderTerm[] {
  const inexact = terms.findIndex((term) => !isExact(term));
  return inexact === -1 ? terms : terms.slice(0, inexact + 1);
}

function valueOf(term: OrderTerm, record: Readonly<Record<string, unknown>>): unknown {
  let holder: Readonly<Record<string, unknown>> | null | undefined = record;
  for (const relation of term.relations) {
    holder = holder?.[relation.name] as Readonly<Record<string, unknown>> | null | undefined;
  }
  return holder?.[term.column.name] ?? null;
}
