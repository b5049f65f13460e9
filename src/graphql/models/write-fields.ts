import type { RowArgument } from "./row-data.ts";
import { toRowData, toSingleData } from "./row-data.ts";
import type { Model } from "../../core/records/model.ts";
import { recordKeyOf } from "../../core/records/record-key.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import type { TypeLookup } from "./object-type.ts";
import { nameArguments, toRecordName } from "./key-input.ts";
import { isMoreThanKey, readNamed } from "./read-record.ts";
import type { Staleness } from "./stale-error.ts";
import { addStaleError, expectedArgument, expectedState } from "./stale-error.ts";
import { createInput, updateInput, upsertCreateInput, upsertUpdateInput } from "./write-inputs.ts";
import type { WriteAnswer } from "./write-result.ts";
import { addWriteResult, payloadPaths, returnedColumns } from "./write-result.ts";

/** The single mutations of the model, as far as it has them: `createCity`, `updateCity`, `upsertCity`, `deleteCity`. */
export function addWriteFields(schema: ModelSchema, types: TypeLookup, model: Model): void {
  const staleness = addStaleError(schema, types, model);
  const create = createInput(schema, model, "SINGLE");
  if (create !== undefined) {
    addCreateField(schema, types, model, create);
  }
  const update = updateInput(schema, model, "SINGLE");
  if (update !== undefined) {
    addUpdateField(schema, types, model, update, staleness);
  }
  const upsertCreate = upsertCreateInput(schema, model, "SINGLE");
  const upsertUpdate = upsertUpdateInput(schema, model);
  if (upsertCreate !== undefined && upsertUpdate !== undefined) {
    addUpsertField(schema, types, model, { create: upsertCreate, update: upsertUpdate });
  }
  addDeleteField(schema, types, model, staleness);
}

function addCreateField(schema: ModelSchema, types: TypeLookup, model: Model, input: AnyInputRef): void {
  const { builder, names, ports } = schema;
  const result = addWriteResult(schema, types, model, "Create");
  const paths = payloadPaths(schema, model, "Create");
  builder.mutationField(names.of(model).create, (t) =>
    t.field({
      type: result,
      description: `Creates a record of ${model.apiName}.`,
      args: { data: t.arg({ type: input, required: true }) },
      resolve: (_root, args, context, info) =>
        ports.writeOne({
          operation: "CREATE",
          model: model.name,
          viewer: context.viewer,
          ...toSingleData(schema.models, model, args.data as RowArgument),
          returning: returnedColumns(schema, model, paths, { context, info }),
        }),
    }),
  );
}

function addUpdateField(
  schema: ModelSchema,
  types: TypeLookup,
  model: Model,
  input: AnyInputRef,
  staleness: Staleness | undefined,
): void {
  const { builder, names, ports } = schema;
  const result = addWriteResult(schema, types, model, "Update", staleness);
  const paths = payloadPaths(schema, model, "Update");
  builder.mutationField(names.of(model).update, (t) =>
    t.field({
      type: result,
      description: `Changes a record of ${model.apiName}. Refused while a task holds it, or a record that would change with it.`,
      args: {
        ...nameArguments(schema, model, t.arg),
        data: t.arg({ type: input, required: true }),
        ...expectedArgument(staleness, t.arg),
      },
      resolve(_root, { id, key, data, expectedUpdatedAt }, context, info) {
        const name = toRecordName({ id, key });
        return ports.writeOne({
          operation: "UPDATE",
          model: model.name,
          viewer: context.viewer,
          ...name,
          ...toSingleData(schema.models, model, data as RowArgument),
          returning: returnedColumns(schema, model, paths, { context, info }),
          expected: expectedState(staleness, expectedUpdatedAt, (plan) =>
            readNamed(ports, model, name, { context, info, ...plan }),
          ),
        });
      },
    }),
  );
}

function addUpsertField(
  schema: ModelSchema,
  types: TypeLookup,
  model: Model,
  inputs: { readonly create: AnyInputRef; readonly update: AnyInputRef },
): void {
  const { builder, names, ports } = schema;
  const result = addWriteResult(schema, types, model, "Upsert");
  builder.mutationField(names.of(model).upsert, (t) =>
    t.field({
      type: result,
      description: `Changes the record of ${model.apiName} with this id or key, or creates it where there is none. Refused while a task holds it.`,
      args: {
        ...nameArguments(schema, model, t.arg),
        create: t.arg({
          type: inputs.create,
          required: true,
          description:
            "For a record that is not there. May leave out what names it; otherwise both must agree.",
        }),
        update: t.arg({
          type: inputs.update,
          required: true,
          description: "For a record that is there. May name nothing: then that record stays as it is.",
        }),
      },
      resolve: (_root, args, { viewer }) =>
        ports.writeOne({
          operation: "UPSERT",
          model: model.name,
          viewer,
          ...toRecordName(args),
          create: toRowData(model, args.create as RowArgument),
          update: toRowData(model, args.update as RowArgument),
        }),
    }),
  );
}

function addDeleteField(
  schema: ModelSchema,
  types: TypeLookup,
  model: Model,
  staleness: Staleness | undefined,
): void {
  const { builder, names, ports } = schema;
  const result = addWriteResult(schema, types, model, "Delete", staleness);
  const paths = payloadPaths(schema, model, "Delete");
  builder.mutationField(names.of(model).delete, (t) =>
    t.field({
      type: result,
      description: `Deletes a record of ${model.apiName}, and returns it as it was. Refused while a task holds it, or a record that would change with it.`,
      args: {
        ...nameArguments(schema, model, t.arg),
        ...expectedArgument(staleness, t.arg),
      },
      async resolve(_root, { id, key, expectedUpdatedAt }, context, info): Promise<WriteAnswer> {
        const name = toRecordName({ id, key });
        // Read before the write's transaction: a slow selection must not block other writes of the model.
        const payload = { context, info, paths };
        const before = isMoreThanKey(model, payload)
          ? await readNamed(ports, model, name, payload)
          : undefined;
        const outcome = await ports.writeOne({
          operation: "DELETE",
          model: model.name,
          viewer: context.viewer,
          ...name,
          expected: expectedState(staleness, expectedUpdatedAt, (plan) =>
            readNamed(ports, model, name, { context, info, ...plan }),
          ),
        });
        return outcome.kind === "WRITTEN"
          ? { ...outcome, before: before === undefined ? recordKeyOf(model, outcome.id) : before }
          : outcome;
      },
    }),
  );
}
