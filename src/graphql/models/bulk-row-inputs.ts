import type { Model } from "../../core/records/model.ts";
import { updatedAtField } from "../../core/records/model.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";

/** `CityUpdateEachInput`. */
export function updateEachInput(schema: ModelSchema, model: Model, update: AnyInputRef): AnyInputRef {
  const touched = updatedAtField(model);
  return schema.input(`${model.name}UpdateEachInput`, {
    description: `A record of ${model.name}, with its own change.`,
    fields: (t) => ({
      id: t.id({ required: true }),
      data: t.field({ type: update, required: true }),
      ...(touched === undefined
        ? {}
        : {
            expectedUpdatedAt: t.field({
              type: "DateTime",
              description: `The record's ${touched.name} as the caller last read it: the record fails with STALE_RECORD where it has another by now. Left out, the record's state does not matter.`,
            }),
          }),
    }),
  });
}

/** `CityUpsertInput`. */
export function upsertInput(
  schema: ModelSchema,
  model: Model,
  inputs: { readonly create: AnyInputRef; readonly update: AnyInputRef },
): AnyInputRef {
  return schema.input(`${model.name}UpsertInput`, {
    description: `A record of ${model.name}, to be changed where it is there, else created with this id.`,
    fields: (t) => ({
      id: t.id({ required: true }),
      create: t.field({
        type: inputs.create,
        required: true,
        description: "For a record that is not there. What it says of the key must agree with the id.",
      }),
      update: t.field({ type: inputs.update, required: true, description: "For a record that is there." }),
    }),
  });
}
