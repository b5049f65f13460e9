import type { FieldMap } from "@pothos/core";
import { groupKeysOf } from "../../core/records/aggregates.ts";
import type { Model } from "../../core/records/model.ts";
import type { GroupValues } from "../../core/records/record-groups.ts";
import type { BuilderTypes } from "../builder.ts";
import type { AggregateType } from "./aggregate-type.ts";
import { selectedAggregates } from "./aggregate-type.ts";
import { addGroupKeyEnum, groupOrderInput, havingInput, wordsOf } from "./group-inputs.ts";
import type { ListEnums } from "./list-arguments.ts";
import { choiceArguments, parseChoice } from "./list-arguments.ts";
import type { ModelSchema } from "./model-schema.ts";
import { columnType } from "./model-schema.ts";
import { DEFAULT_GROUPS, MAX_GROUPS, parseGroups } from "./parse-groups.ts";
import { selectedBelow } from "./plan-selection.ts";

/** The query `citiesGroupBy(by, …)`; none where there is nothing to group by. */
export function addGroupField(
  schema: ModelSchema,
  enums: ListEnums,
  type: AggregateType,
  model: Model,
): void {
  if (groupKeysOf(model).length === 0) {
    return;
  }
  const { builder, names, ports } = schema;
  const key = addGroupKeyEnum(schema, model);
  const group = addGroupType(schema, type, model);
  builder.queryField(names.of(model).groupMany, (t) =>
    t.field({
      type: [group],
      description: `The records of ${model.apiName} that match, in groups that are equal in all keys.`,
      args: {
        by: t.arg({ type: [key], required: true, description: "The keys; at least one." }),
        ...choiceArguments(schema, enums, model, t.arg),
        having: t.arg({ type: havingInput(schema, enums, model), description: "Which groups are wanted." }),
        orderBy: t.arg({
          type: [groupOrderInput(schema, enums, model)],
          description: "Most significant first. Default: by the keys.",
        }),
        first: t.arg.int({
          description: `The most groups. Default ${DEFAULT_GROUPS}, at most ${MAX_GROUPS}.`,
        }),
        timeZone: t.arg.string({
          description: "The IANA name of the time zone in which periods begin. Default: UTC.",
        }),
      },
      resolve: (_root, args, context, info) =>
        ports.groups.read(
          model.name,
          {
            ...parseGroups(ports.models, model, args),
            where: parseChoice(ports, context, model, args),
            aggregates: selectedAggregates(model, selectedBelow(info)),
          },
          context.client?.signal,
        ) as Promise<GroupValues[]>,
    }),
  );
}

/** The types `CityGroup` and `CityGroupKeyValues`. */
function addGroupType(
  schema: ModelSchema,
  type: AggregateType,
  model: Model,
): PothosSchemaTypes.ObjectRef<BuilderTypes, GroupValues> {
  const { builder, names } = schema;
  const keys = builder.objectRef<GroupValues>(names.of(model).groupKeyValues).implement({
    description:
      "The values that a group's records share. Null for keys that are not in `by`, and for null itself.",
    fields: (t): FieldMap =>
      Object.fromEntries(
        groupKeysOf(model).map((key) => [
          key.field.apiName,
          t.field({
            type: columnType(schema, key.field) as "Int",
            nullable: true,
            description: wordsOf(key),
            resolve: (values) => (values[key.field.name] ?? null) as number | null,
          }),
        ]),
      ),
  });
  return builder.objectRef<GroupValues>(names.of(model).group).implement({
    description: `Records of ${model.apiName} that are equal in all keys, and figures over them.`,
    fields: (t): FieldMap => ({
      key: t.field({ type: keys, resolve: (values) => values }),
      ...type.fields(t),
    }),
  });
}
