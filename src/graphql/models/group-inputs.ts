import type { GroupKey } from "../../core/records/aggregates.ts";
import { aggregatesOf, groupKeysOf } from "../../core/records/aggregates.ts";
import { isFilterable, isSortable } from "../../core/records/field-switches.ts";
import type { ColumnField, Model } from "../../core/records/model.ts";
import type { FigurePart } from "./aggregate-type.ts";
import { FIGURE_PARTS, figuresOf } from "./aggregate-type.ts";
import type { ListEnums } from "./list-arguments.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import type { AnyInputRef, InputBuilder, InputFields } from "./pothos-dynamic.ts";
import { columnFilter } from "./where-input.ts";

/** The enum `CityGroupKey`. */
export function addGroupKeyEnum({ builder, names }: ModelSchema, model: Model): AnyEnumRef {
  return builder.enumType(names.of(model).groupKey, {
    description: `What records of ${model.apiName} can be grouped by.`,
    values: Object.fromEntries(
      groupKeysOf(model).map((key) => [key.field.apiName, { description: wordsOf(key) }]),
    ),
  });
}

/** What the key is, as its description in the API. */
export function wordsOf({ column, period }: GroupKey): string {
  return period === undefined
    ? (column.documentation ?? `The value of ${column.apiName}.`)
    : `When the ${period.toLowerCase()} of ${column.apiName} begins${period === "WEEK" ? ", on a Monday" : ""}.`;
}

const HAVING_TYPES = {
  extremes: "extremesHaving",
  sums: "sumsHaving",
  averages: "averagesHaving",
  distinctCounts: "distinctCountsHaving",
} as const;

/** A condition on groups: `CityHaving`. */
export function havingInput(schema: ModelSchema, { mode }: ListEnums, model: Model): AnyInputRef {
  const names = schema.names.of(model);
  const filters = (
    t: InputBuilder,
    fields: readonly ColumnField[],
    nameOf: (field: ColumnField) => string,
  ): InputFields =>
    Object.fromEntries(
      fields.map((field) => [nameOf(field), t.field({ type: columnFilter(schema, mode, field) })]),
    );
  const partInput = (part: FigurePart): AnyInputRef =>
    schema.input(names[HAVING_TYPES[part.type]], {
      description: "Conditions on figures over columns; all that are given must hold.",
      fields: (t) => filters(t, filterable(model, part), columnName),
    });
  return schema.input(names.having, {
    description: `A condition on groups of records of ${model.apiName}; all conditions that are given must hold.`,
    fields: (t) => {
      const own = havingInput(schema, { mode } as ListEnums, model);
      const count = aggregatesOf(model).filter(({ operation }) => operation === "count");
      return {
        AND: t.field({ type: [own], description: "All of them hold." }),
        OR: t.field({
          type: [own],
          description: "At least one of them holds; an empty list matches nothing.",
        }),
        NOT: t.field({ type: own, description: "It does not hold." }),
        ...filters(
          t,
          count.map(({ field }) => field),
          ({ apiName }) => apiName,
        ),
        ...partFields(t, (part) => filterable(model, part).length > 0, partInput),
      };
    },
  });
}

function filterable(model: Model, part: FigurePart): readonly ColumnField[] {
  return figuresOf(model, part)
    .map(({ field }) => field)
    .filter(isFilterable);
}

/** `population` of `sum.population`. */
function columnName({ apiName }: ColumnField): string {
  return apiName.slice(apiName.indexOf(".") + 1);
}

function partFields(
  t: InputBuilder,
  isThere: (part: FigurePart) => boolean,
  input: (part: FigurePart) => AnyInputRef,
): InputFields {
  return Object.fromEntries(
    FIGURE_PARTS.filter(isThere).map((part) => [
      part.operation,
      t.field({ type: input(part), description: part.words }),
    ]),
  );
}

const ORDER_TYPES = {
  extremes: "extremesOrderBy",
  sums: "numbersOrderBy",
  averages: "numbersOrderBy",
  distinctCounts: "distinctCountsOrderBy",
} as const;

/** One criterion of an order of groups: `CityGroupOrderBy`. */
export function groupOrderInput(schema: ModelSchema, { orders }: ListEnums, model: Model): AnyInputRef {
  const names = schema.names.of(model);
  const directions = (
    t: InputBuilder,
    fields: readonly ColumnField[],
    nameOf: (field: ColumnField) => string,
  ): InputFields =>
    Object.fromEntries(
      fields.map((field) => [
        nameOf(field),
        t.field({ type: field.isNullable ? orders.nullable : orders.plain }),
      ]),
    );
  const keys = groupKeysOf(model)
    .map(({ field }) => field)
    .filter(isSortable);
  const keyInput = (): AnyInputRef =>
    schema.input(names.groupKeyOrderBy, {
      description: "One key of the groups.",
      isOneOf: true,
      fields: (t) => directions(t, keys, ({ apiName }) => apiName),
    });
  const partInput = (part: FigurePart): AnyInputRef =>
    schema.input(names[ORDER_TYPES[part.type]], {
      description: "One figure over a column.",
      isOneOf: true,
      fields: (t) => directions(t, sortable(model, part), columnName),
    });
  return schema.input(names.groupOrderBy, {
    description: "One criterion: exactly one key or figure. Ties are broken by the keys.",
    isOneOf: true,
    fields: (t) => ({
      count: t.field({ type: orders.plain, description: "How many records the group has." }),
      ...(keys.length === 0
        ? {}
        : { key: t.field({ type: keyInput(), description: "One of the keys in `by`." }) }),
      ...partFields(t, (part) => sortable(model, part).length > 0, partInput),
    }),
  });
}

function sortable(model: Model, part: FigurePart): readonly ColumnField[] {
  return figuresOf(model, part)
    .map(({ field }) => field)
    .filter(isSortable);
}
