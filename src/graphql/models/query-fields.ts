import type { Model } from "../../core/records/model.ts";
import { hasIds } from "../../core/records/model.ts";
import { toConnection } from "./connection-type.ts";
import type { ListEnums } from "./list-arguments.ts";
import { nameArguments, parseNameArgument, toRecordName } from "./key-input.ts";
import { listArguments } from "./list-arguments.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import { readRecord } from "./read-record.ts";
import { planList } from "./plan-selection.ts";

/** The query fields of the model: `city(id, key)`, where its records have ids, and `cities(…)`. */
export function addQueryFields(schema: ModelSchema, enums: ListEnums, types: TypeLookup, model: Model): void {
  if (hasIds(model)) {
    addOneField(schema, types, model);
  }
  addManyField(schema, enums, types, model);
}

function addOneField(schema: ModelSchema, types: TypeLookup, model: Model): void {
  const { builder, models, names, ports } = schema;
  builder.queryField(names.of(model).one, (t) =>
    t.field({
      type: types.object(model.name),
      nullable: true,
      description: `The ${model.apiName} with this id or key; null if there is none that the caller may see.`,
      args: nameArguments(schema, model, t.arg),
      resolve: (_root, args, context, info) =>
        // An invalid id is the caller's error, not a missing record.
        readRecord(ports, model, parseNameArgument(models, model, toRecordName(args)), { context, info }),
    }),
  );
}

function addManyField(schema: ModelSchema, enums: ListEnums, types: TypeLookup, model: Model): void {
  const { builder, names, ports } = schema;
  builder.queryField(names.of(model).many, (t) =>
    t.field({
      type: types.connection(model.name),
      description: `The records of ${model.apiName} that match, page by page.`,
      args: listArguments(schema, enums, model, t.arg),
      resolve: async (_root, args, context, info) => {
        const read = planList(ports, model, { context, info }, args);
        return toConnection(await read(undefined, context.client?.signal), hasIds(model));
      },
    }),
  );
}
