import type { RowsTarget } from "../../core/bulk/bulk-request.ts";
import { refuseLength } from "../../core/bulk/resolve-target.ts";
import type { Model } from "../../core/records/model.ts";
import { shownUpdatedAt } from "../../core/records/writable-fields.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { LaunchOutcome } from "../../core/tasks/launch/launch-outcome.ts";
import type { GraphQLContext } from "../builder.ts";
import { launch } from "./bulk-fields.ts";
import { nameFields } from "./key-input.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import type { RowArgument } from "./row-data.ts";
import { toRows } from "./row-data.ts";
import { createInput, updateInput, upsertCreateInput } from "./write-inputs.ts";

/**
 * The model's bulk mutations on a list of records: `bulkCreateCities`, if its records can be created, and, if it has
 * fields for bulk changes, `bulkUpdateEachCities` and `bulkUpsertCities`.
 */
export function addBulkRowFields(schema: ModelSchema, options: AnyInputRef, model: Model): void {
  const names = schema.names.of(model);
  const create = createInput(schema, model, "BULK");
  if (create !== undefined) {
    addRowsField(schema, options, model, {
      operation: "CREATE",
      name: names.bulkCreate,
      argument: "data",
      item: create,
      description: `Creates many records of ${model.apiName}, as a task.`,
    });
  }
  const update = updateInput(schema, model, "BULK");
  if (update === undefined) {
    return;
  }
  addRowsField(schema, options, model, {
    operation: "UPDATE_EACH",
    name: names.bulkUpdateEach,
    argument: "records",
    item: updateEachInput(schema, model, update),
    description: `Changes many records of ${model.apiName}, each in its own way, as a task.`,
  });
  const upsertCreate = upsertCreateInput(schema, model, "BULK");
  if (upsertCreate !== undefined) {
    addRowsField(schema, options, model, {
      operation: "UPSERT",
      name: names.bulkUpsert,
      argument: "records",
      item: upsertInput(schema, model, { create: upsertCreate, update }),
      description: `Changes or creates many records of ${model.apiName}, as a task: each is changed if it exists, otherwise created.`,
    });
  }
}

interface RowsField {
  readonly operation: RowsTarget["operation"];
  readonly name: string;
  /** See core's listName(). */
  readonly argument: "data" | "records";
  readonly item: AnyInputRef;
  readonly description: string;
}

function addRowsField(schema: ModelSchema, options: AnyInputRef, model: Model, field: RowsField): void {
  const { operation, name, argument, item, description } = field;
  schema.builder.mutationField(name, (t) =>
    t.field({
      type: schema.refs.launchResult,
      description,
      args: {
        [argument]: t.arg({ type: [item], required: true }),
        options: t.arg({ type: options }),
      },
      resolve: (_root, args: Readonly<Record<string, unknown>>, context) =>
        launchRows(schema, context, model, {
          operation,
          rows: args[argument] as readonly RowArgument[],
          options: args["options"] as LaunchOptions | null | undefined,
        }),
    }),
  );
}

async function launchRows(
  schema: ModelSchema,
  context: GraphQLContext,
  model: Model,
  asked: {
    readonly operation: RowsTarget["operation"];
    readonly rows: readonly RowArgument[];
    readonly options: LaunchOptions | null | undefined;
  },
): Promise<LaunchOutcome> {
  const { operation, rows, options } = asked;
  // Checked before parsing; the use case checks the same with the parsed records.
  const refusal = refuseLength(operation, rows, {}, schema.ports.maxRecords);
  return (
    refusal ??
    launch(schema, context, {
      model,
      options,
      parse: async () => ({ value: await toRows(model, operation, rows) }),
    })
  );
}

/** `CityUpdateEachInput`. */
function updateEachInput(schema: ModelSchema, model: Model, update: AnyInputRef): AnyInputRef {
  const touched = shownUpdatedAt(model);
  return schema.input(schema.names.of(model).updateEachInput, {
    description: `A record of ${model.apiName}, with its own change.`,
    fields: (t) => ({
      ...nameFields(schema, model, t),
      data: t.field({ type: update, required: true }),
      ...(touched === undefined
        ? {}
        : {
            expectedUpdatedAt: t.field({
              type: "DateTime",
              description: `The record's ${touched.apiName} as the caller last read it: the record fails with STALE_RECORD where it has another by now. Left out, the record's state does not matter.`,
            }),
          }),
    }),
  });
}

/** `CityUpsertInput`. */
function upsertInput(
  schema: ModelSchema,
  model: Model,
  inputs: { readonly create: AnyInputRef; readonly update: AnyInputRef },
): AnyInputRef {
  return schema.input(schema.names.of(model).upsertInput, {
    description: `A record of ${model.apiName}, to be changed where it is there, else created with this id or key.`,
    fields: (t) => ({
      ...nameFields(schema, model, t),
      create: t.field({
        type: inputs.create,
        required: true,
        description:
          "For a record that is not there. May leave out what names it; otherwise both must agree.",
      }),
      update: t.field({ type: inputs.update, required: true, description: "For a record that is there." }),
    }),
  });
}
