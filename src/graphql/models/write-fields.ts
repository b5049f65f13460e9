import type { Model } from "../../core/records/model.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import type { TypeLookup } from "./object-type.ts";
import type { Staleness } from "./stale-error.ts";
import { addStaleError, expectedArgument, parseExpected } from "./stale-error.ts";
import type { DataArgument } from "./write-data.ts";
import { parseData } from "./write-data.ts";
import { createInput, updateInput } from "./write-inputs.ts";
import { addWriteResult, invalidInput, writeRequest } from "./write-result.ts";

/** The single mutations of the model: `createCity`, `updateCity`, `upsertCity`, `deleteCity`. */
export function addWriteFields(schema: ModelSchema, types: TypeLookup, model: Model): void {
  const staleness = addStaleError(schema, types, model);
  const create = createInput(schema, model);
  addCreateField(schema, types, model, create);
  const update = updateInput(schema, model);
  if (update !== undefined) {
    addUpdateField(schema, types, model, update, staleness);
    addUpsertField(schema, types, model, { create, update });
  }
  addDeleteField(schema, types, model, staleness);
}

function addCreateField(schema: ModelSchema, types: TypeLookup, model: Model, input: AnyInputRef): void {
  const { builder, ports } = schema;
  const result = addWriteResult(schema, types, model, "Create");
  builder.mutationField(`create${model.name}`, (t) =>
    t.field({
      type: result,
      description: `Creates a record of ${model.name}.`,
      args: { data: t.arg({ type: input, required: true }) },
      resolve(_root, args, context, info) {
        const parsed = parseData(schema.models, model, args.data as DataArgument);
        return "problems" in parsed
          ? invalidInput(parsed.problems)
          : ports.writeRecords.create({ ...writeRequest(model, "Create", context, info), data: parsed.data });
      },
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
  const { builder, ports } = schema;
  const result = addWriteResult(schema, types, model, "Update", staleness);
  builder.mutationField(`update${model.name}`, (t) =>
    t.field({
      type: result,
      description: `Changes a record of ${model.name}. Refused while a task holds it, or a record that would change with it.`,
      args: {
        id: t.arg.id({ required: true }),
        data: t.arg({ type: input, required: true }),
        ...expectedArgument(staleness, t.arg),
      },
      resolve(_root, { id, data: given, expectedUpdatedAt }, context, info) {
        const data = parseData(schema.models, model, given as DataArgument);
        const expected = parseExpected(model, staleness, expectedUpdatedAt, context, info);
        return "problems" in data || "problems" in expected
          ? invalidInput([...problemsOf(data), ...problemsOf(expected)])
          : ports.writeRecords.update({
              ...writeRequest(model, "Update", context, info),
              ...data,
              ...expected,
              id,
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
  const { builder, ports } = schema;
  const result = addWriteResult(schema, types, model, "Upsert");
  builder.mutationField(`upsert${model.name}`, (t) =>
    t.field({
      type: result,
      description: `Changes the record of ${model.name} with this id, or creates it with this id where there is none. Refused while a task holds it.`,
      args: {
        id: t.arg.id({ required: true }),
        create: t.arg({
          type: inputs.create,
          required: true,
          description: "For a record that is not there. What it says of the key must agree with the id.",
        }),
        update: t.arg({ type: inputs.update, required: true, description: "For a record that is there." }),
      },
      resolve(_root, args, context, info) {
        const create = parseData(schema.models, model, args.create as DataArgument, "create");
        const update = parseData(schema.models, model, args.update as DataArgument, "update");
        return "problems" in create || "problems" in update
          ? invalidInput([...problemsOf(create), ...problemsOf(update)])
          : ports.writeRecords.upsert({
              ...writeRequest(model, "Upsert", context, info),
              id: args.id,
              create: create.data,
              update: update.data,
            });
      },
    }),
  );
}

function addDeleteField(
  schema: ModelSchema,
  types: TypeLookup,
  model: Model,
  staleness: Staleness | undefined,
): void {
  const { builder, ports } = schema;
  const result = addWriteResult(schema, types, model, "Delete", staleness);
  builder.mutationField(`delete${model.name}`, (t) =>
    t.field({
      type: result,
      description: `Deletes a record of ${model.name}, and hands it back as it was. Refused while a task holds it, or a record that would change with it.`,
      args: {
        id: t.arg.id({ required: true }),
        ...expectedArgument(staleness, t.arg),
      },
      resolve(_root, { id, expectedUpdatedAt }, context, info) {
        const expected = parseExpected(model, staleness, expectedUpdatedAt, context, info);
        return "problems" in expected
          ? invalidInput(expected.problems)
          : ports.writeRecords.delete({ ...writeRequest(model, "Delete", context, info), ...expected, id });
      },
    }),
  );
}

function problemsOf(parsed: object): readonly RecordProblem[] {
  return "problems" in parsed ? (parsed.problems as readonly RecordProblem[]) : [];
}
