import type { Model } from "../../core/records/model.ts";
import type { AggregateType } from "./aggregate-type.ts";
import { selectedAggregates } from "./aggregate-type.ts";
import type { ListEnums } from "./list-arguments.ts";
import { choiceArguments, parseChoice } from "./list-arguments.ts";
import type { ModelSchema } from "./model-schema.ts";
import { selectedBelow } from "./plan-selection.ts";

/** The query `citiesAggregate(where, ids)`. */
export function addAggregateField(
  schema: ModelSchema,
  enums: ListEnums,
  type: AggregateType,
  model: Model,
): void {
  const { builder, names, ports } = schema;
  builder.queryField(names.of(model).aggregateMany, (t) =>
    t.field({
      type: type.ref,
      description: `Figures over the records of ${model.apiName} that match.`,
      args: choiceArguments(schema, enums, model, t.arg),
      resolve: async (_root, args, context, info) => {
        const where = parseChoice(ports, context, model, args);
        const aggregates = selectedAggregates(model, selectedBelow(info));
        if (aggregates.length === 0) {
          return {};
        }
        const reading = { where, keys: [], aggregates, terms: [], limit: 1, timeZone: "UTC" };
        const [group] = await ports.groups.read(model.name, reading, context.client?.signal);
        return group?.values ?? {};
      },
    }),
  );
}
