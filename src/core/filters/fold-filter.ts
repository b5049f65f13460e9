import type { Json, JsonObject } from "../../kernel/json.ts";
import type { WhereFilter } from "../access/access.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../records/model.ts";
import type { LogicOperator, RelationOperator } from "./operators.ts";
import type { TextSearch } from "../records/text-search.ts";
import { filterKey, isLogic } from "./operators.ts";
import { SEARCH_MEMBER } from "./search-filter.ts";

/** A condition on related records. */
export interface RelationPart<T> {
  readonly operator: RelationOperator;
  /** What the related records must match; null for a null in the filter, which means that there is none. */
  readonly inner: T | null;
}

/** What a fold makes of each part of a filter, from the inside out. */
export interface FilterFold<T> {
  /** A filter whose members must all hold. */
  filter(members: readonly T[], model: Model): T;
  logic(operator: LogicOperator, parts: readonly T[], model: Model): T;
  /** A search for texts; only beside the filter that a caller gives, never inside it. */
  search(search: TextSearch, model: Model): T;
  /** All operators on one column, such as `{contains: "a", mode: "INSENSITIVE"}`. */
  column(field: ColumnField, operators: JsonObject, model: Model): T;
  /** All conditions on one relation. */
  relation(field: RelationField, target: Model, parts: readonly RelationPart<T>[], model: Model): T;
}

/**
 * Walks through a filter that was checked before. Everything that reads filters is such a fold: the guard on filters
 * that ask nothing, the viewer's scope, and the translations to Prisma and SQL.
 * @throws TypeError for a field that the model does not have: the model has changed since the filter was stored
 */
export function foldFilter<T>(
  models: ModelRegistry,
  model: Model,
  where: WhereFilter,
  fold: FilterFold<T>,
): T {
  const go = (inner: Json, of: Model): T => foldFilter(models, of, inner as WhereFilter, fold);
  const members = Object.entries(where).map(([name, value]) => {
    if (isLogic(name)) {
      const parts = (Array.isArray(value) ? value : [value]) as readonly Json[];
      return fold.logic(
        name,
        parts.map((part) => go(part ?? {}, model)),
        model,
      );
    }
    if (name === SEARCH_MEMBER) {
      return fold.search(value as unknown as TextSearch, model);
    }
    const field = model.fields.find((candidate) => filterKey(candidate) === name);
    if (field === undefined) {
      throw new TypeError(`a filter names ${model.name}.${name}, which is not there`);
    }
    if (field.kind !== "relation") {
      return fold.column(field, value as JsonObject, model);
    }
    const target = models.get(field.type);
    const parts = Object.entries(value as JsonObject).map(([operator, inner]) => ({
      operator: operator as RelationOperator,
      inner: inner === null ? null : go(inner, target),
    }));
    return fold.relation(field, target, parts, model);
  });
  return fold.filter(members, model);
}

/** How a translation combines conditions. */
export interface Junctions<C> {
  /** The condition that no record meets; always the same object. */
  readonly nothing: C;
  and(parts: readonly C[]): C;
  or(parts: readonly C[]): C;
  not(part: C): C;
}

/**
 * What AND, OR and NOT mean to every translation, undefined for a filter without conditions: it is left out of the one
 * that it is part of, also of an OR. An OR that is left with none matches nothing.
 */
export function combine<C>(
  operator: LogicOperator,
  parts: readonly (C | undefined)[],
  { nothing, and, or, not }: Junctions<C>,
): C | undefined {
  const filled = parts.filter((part) => part !== undefined);
  const possible = filled.filter((part) => part !== nothing);
  switch (operator) {
    case "AND":
      return filled.length > possible.length ? nothing : filled.length === 0 ? undefined : and(filled);
    case "OR":
      return possible.length === 0 ? nothing : or(possible);
    case "NOT":
      return possible.length === 0 ? undefined : and(possible.map((part) => not(part)));
  }
}
