import type { FieldMap } from "@pothos/core";
import type { Aggregate } from "../../core/records/aggregates.ts";
import { aggregatesOf } from "../../core/records/aggregates.ts";
import type { Model } from "../../core/records/model.ts";
import type { GroupValues } from "../../core/records/record-groups.ts";
import type { BuilderTypes } from "../builder.ts";
import type { ModelNames } from "./model-names.ts";
import type { ModelSchema } from "./model-schema.ts";
import { columnType } from "./model-schema.ts";
import type { IsSelected } from "./pothos-dynamic.ts";

/** Figures over columns, as the API groups them. `type` is the name of their object type. */
export const FIGURE_PARTS = [
  { operation: "min", type: "extremes", words: "The least value of each column." },
  { operation: "max", type: "extremes", words: "The greatest value of each column." },
  { operation: "sum", type: "sums", words: "The sum of each column." },
  { operation: "avg", type: "averages", words: "The average of each column." },
  {
    operation: "countDistinct",
    type: "distinctCounts",
    words: "How many different values each column has; nulls do not count.",
  },
] as const satisfies readonly {
  readonly operation: Aggregate["operation"];
  readonly type: keyof ModelNames;
  readonly words: string;
}[];

/** One of {@link FIGURE_PARTS}. */
export type FigurePart = (typeof FIGURE_PARTS)[number];

/** The model's figures of an operation. */
export function figuresOf(model: Model, { operation }: Pick<FigurePart, "operation">): readonly Aggregate[] {
  return aggregatesOf(model).filter((each) => each.operation === operation);
}

/** Figures of one operation, with where they are found. */
interface PartValues {
  readonly values: GroupValues;
  readonly operation: FigurePart["operation"];
}

type FieldBuilder = PothosSchemaTypes.ObjectFieldBuilder<BuilderTypes, GroupValues>;

export type AggregateRef = PothosSchemaTypes.ObjectRef<BuilderTypes, GroupValues>;

/** The type `CityAggregate`, and what makes the same fields of another type. */
export interface AggregateType {
  readonly ref: AggregateRef;
  fields(t: FieldBuilder): FieldMap;
}

/** The types `CityAggregate`, `CityExtremes`, `CitySums`, `CityAverages` and `CityDistinctCounts`. */
export function addAggregateType(schema: ModelSchema, model: Model): AggregateType {
  const { builder, names } = schema;
  const own = names.of(model);
  const refs = new Map<FigurePart["type"], PothosSchemaTypes.ObjectRef<BuilderTypes, PartValues>>();
  for (const part of FIGURE_PARTS) {
    if (!refs.has(part.type) && figuresOf(model, part).length > 0) {
      refs.set(part.type, addPartType(schema, model, part));
    }
  }
  const fields = (t: FieldBuilder): FieldMap => ({
    count: t.int({
      description: "How many records there are.",
      resolve: (values) => values["count"] as number,
    }),
    ...Object.fromEntries(
      FIGURE_PARTS.flatMap(({ operation, type, words }) => {
        const ref = refs.get(type);
        return ref === undefined
          ? []
          : [
              [
                operation,
                t.field({ type: ref, description: words, resolve: (values) => ({ values, operation }) }),
              ],
            ];
      }),
    ),
  });
  const ref = builder.objectRef<GroupValues>(own.aggregate).implement({
    description: `Figures over records of ${model.apiName}. Only those that are asked for are computed.`,
    fields,
  });
  return { ref, fields };
}

const PART_WORDS: Readonly<Record<FigurePart["type"], string>> = {
  extremes: "The least or greatest values of the columns; null where no record has a value.",
  sums: "The sums of the columns; null where no record has a value.",
  averages: "The averages of the columns over the records that have a value; null where none has.",
  distinctCounts: "How many different values the columns have; nulls do not count.",
};

function addPartType(
  schema: ModelSchema,
  model: Model,
  part: FigurePart,
): PothosSchemaTypes.ObjectRef<BuilderTypes, PartValues> {
  return schema.builder.objectRef<PartValues>(schema.names.of(model)[part.type]).implement({
    description: PART_WORDS[part.type],
    fields: (t): FieldMap =>
      Object.fromEntries(
        figuresOf(model, part).map(({ column, field }) => [
          column?.apiName ?? "",
          t.field({
            type: columnType(schema, field) as "Int",
            nullable: field.isNullable as false,
            resolve: ({ values, operation }) => values[`${operation}.${column?.name}`] as number,
          }),
        ]),
      ),
  });
}

/** The figures that a document selects below a field of the type. */
export function selectedAggregates(model: Model, isSelected: IsSelected): readonly Aggregate[] {
  return aggregatesOf(model).filter(({ operation, column }) =>
    column === undefined ? isSelected(operation) : isSelected(operation, column.apiName),
  );
}
