import type { FieldMap } from "@pothos/core";
import { groupKeysOf } from "../../core/records/aggregates.ts";
import type { Model } from "../../core/records/model.ts";
import { refuseHidden } from "../../core/records/read-rights.ts";
import type { GroupValues } from "../../core/records/record-groups.ts";
import type { BuilderTypes } from "../builder.ts";
import type { AggregateType } from "./aggregate-type.ts";
import { selectedAggregates } from "./aggregate-type.ts";
import { addGroupKeyEnum, groupOrderInput, havingInput, wordsOf } from "./group-inputs.ts";
import type { ListEnums } from "./list-arguments.ts";
import { choiceArguments, parseChoice } from "./list-arguments.ts";
import type { ModelSchema } from "./model-schema.ts";
import { columnType } from "./model-schema.ts";
import { encodeCursor } from "../pagination/cursor.ts";
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from "../pagination/page.ts";
import { columnsOfGroups, parseGroups } from "./parse-groups.ts";
import { selectedBelow } from "./plan-selection.ts";

/** Beside a group's values, whose names are `count` or have a dot. */
const CURSOR = "cursor";

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
          description: `The most groups. Default ${DEFAULT_PAGE_SIZE}, at most ${MAX_PAGE_SIZE}.`,
        }),
        after: t.arg.string({ description: "Only groups beyond this cursor, in the same order." }),
        timeZone: t.arg.string({
          description: "The IANA name of the time zone in which periods begin. Default: UTC.",
        }),
      },
      resolve: async (_root, args, context, info) => {
        const isSelected = selectedBelow(info);
        const parsed = parseGroups(ports.models, model, args);
        for (const column of columnsOfGroups(ports.models, model, parsed)) {
          refuseHidden(ports.access, context.viewer, model, column);
        }
        const reading = {
          ...parsed,
          where: parseChoice(ports, context, model, args),
          aggregates: selectedAggregates(model, isSelected),
          hasPlaces: isSelected("cursor"),
        };
        const groups = await ports.groups.read(model.name, reading, context.client?.signal);
        return groups.map(({ values, place }) =>
          place === undefined ? values : { ...values, [CURSOR]: encodeCursor(parsed.terms, place) },
        );
      },
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
      cursor: t.string({
        description:
          "For `after`, with the same keys, order and time zone. Stays good when the group is gone.",
        resolve: (values) => values[CURSOR] as string,
      }),
      ...type.fields(t),
    }),
  });
}
