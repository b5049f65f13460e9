import fc from "fast-check";
import type { WhereFilter } from "../../src/core/access/access.ts";
import type { Model, ModelRegistry, RelationField } from "../../src/core/records/model.ts";
import { columnsOf, hasIds, relationsOf } from "../../src/core/records/model.ts";
import type {
  ListReading,
  SelectedList,
  SelectedOne,
  Selection,
} from "../../src/core/records/record-lists.ts";
import { baseSelect } from "../../src/graphql/models/record-keys.ts";
import type { OrderInput } from "../../src/core/filters/order-terms.ts";
import { isOrderable, parseOrder } from "../../src/core/filters/order-terms.ts";
import type { Samples } from "./random-filters.ts";
import { randomFilters } from "./random-filters.ts";

/** What a list of the model may be asked for: a page with anything that hangs on its records, the count, or both. */
export function randomReadings(
  models: ModelRegistry,
  model: Model,
  samples: Samples,
  depth = 2,
): fc.Arbitrary<ListReading> {
  const where: fc.Arbitrary<WhereFilter | undefined> = fc.option(randomFilters(models, model, samples, 1), {
    nil: undefined,
    freq: 3,
  });
  const page = fc.record({
    part: fc.record({
      terms: randomOrders(models, model, samples),
      where,
      isBackward: fc.boolean(),
      limit: fc.constantFrom(0, 1, 2, 100),
    }),
    hasPlaces: fc.boolean(),
    selection: randomSelections(models, model, samples, depth),
  });
  const count = fc.option(fc.record({ where }), { nil: undefined });
  return fc.record({ page: fc.option(page, { nil: undefined, freq: 9 }), count });
}

function randomSelections(
  models: ModelRegistry,
  model: Model,
  samples: Samples,
  depth: number,
): fc.Arbitrary<Selection> {
  const always = new Set(Object.keys(baseSelect(model)));
  const relations = depth === 0 ? [] : relationsOf(model);
  const chosen = fc
    .subarray([...relations], { maxLength: Math.min(3, relations.length) })
    .chain((fields) => fc.tuple(...fields.map((field) => randomRelation(models, field, samples, depth - 1))));
  return fc
    .record({ columns: fc.subarray([...columnsOf(model)]), chosen })
    .map(({ columns, chosen: parts }) => ({
      columns: columnsOf(model).filter((field) => always.has(field.name) || columns.includes(field)),
      ones: parts.flatMap((part) => ("one" in part ? [part.one] : [])),
      lists: parts.flatMap((part) => ("lists" in part ? part.lists : [])),
    }));
}

type RelationPart = { readonly one: SelectedOne } | { readonly lists: readonly SelectedList[] };

function randomRelation(
  models: ModelRegistry,
  field: RelationField,
  samples: Samples,
  depth: number,
): fc.Arbitrary<RelationPart> {
  const target = models.get(field.type);
  if (field.isList) {
    return fc
      .array(randomReadings(models, target, samples, depth), { minLength: 1, maxLength: 2 })
      .map((readings) => ({
        lists: readings.map((reading, at) => ({ ...reading, field, name: `${field.name}(${at})` })),
      }));
  }
  const where = hasIds(target)
    ? fc.option(randomFilters(models, target, samples, 1), { nil: undefined })
    : fc.constant(undefined);
  return fc
    .record({ where, selection: randomSelections(models, target, samples, depth) })
    .map((one) => ({ one: { ...one, field } }));
}

function randomOrders(
  models: ModelRegistry,
  model: Model,
  samples: Samples,
): fc.Arbitrary<ReturnType<typeof parseOrder>> {
  const inputsOf = (of: Model, depth: number): readonly fc.Arbitrary<OrderInput>[] => [
    ...columnsOf(of)
      .filter(isOrderable)
      .map((field) =>
        fc
          .constantFrom("ASC", "DESC", ...(field.isNullable ? ["ASC_NULLS_FIRST", "DESC_NULLS_LAST"] : []))
          .map((sort): OrderInput => ({ [field.apiName]: sort })),
      ),
    ...(depth === 0
      ? []
      : relationsOf(of).map((field) =>
          (field.isList
            ? fc.constantFrom({ count: "ASC" }, { count: "DESC" })
            : fc.oneof(...inputsOf(models.get(field.type), depth - 1))
          ).map((input): OrderInput => ({ [field.apiName]: input })),
        )),
  ];
  const inputs = fc.array(fc.oneof(...inputsOf(model, 1)), { maxLength: 2 });
  const scopes = models
    .all()
    .map((each) => [
      each.name,
      fc.option(randomFilters(models, each, samples, 1), { nil: undefined, freq: 1 }),
    ]);
  return fc
    .tuple(
      inputs,
      fc.record(Object.fromEntries(scopes) as Record<string, fc.Arbitrary<WhereFilter | undefined>>),
    )
    .map(([asked, scope]) => parseOrder({ models, scopeOf: (name) => scope[name] }, model, asked));
}
