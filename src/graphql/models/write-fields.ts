import type { GraphQLResolveInfo } from "graphql";
import type { Model } from "../../core/records/model.ts";
import type { RecordProblem } from "../../core/records/record-problem.ts";
import type { WriteOutcome, Written } from "../../core/records/write-outcome.ts";
import type { BuilderTypes } from "../builder.ts";
import type { GraphQLContext } from "../context.ts";
import { namesOf } from "./model-names.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import type { TypeLookup } from "./object-type.ts";
import { keySelect } from "./object-type.ts";
import { plannedSelect } from "./pothos-dynamic.ts";
import type { DataArgument } from "./write-data.ts";
import { parseData } from "./write-data.ts";
import { createInput, updateInput } from "./write-inputs.ts";

type Verb = "Create" | "Update" | "Delete";
type ResultRef = PothosSchemaTypes.UnionRef<BuilderTypes, WriteOutcome>;

/** The single mutations of the model: `createCity`, `updateCity`, `deleteCity`. */
export function addWriteFields(schema: ModelSchema, types: TypeLookup, model: Model): void {
  addCreateField(schema, types, model);
  const input = updateInput(schema, model);
  if (input !== undefined) {
    addUpdateField(schema, types, model, input);
  }
  addDeleteField(schema, types, model);
}

function addCreateField(schema: ModelSchema, types: TypeLookup, model: Model): void {
  const { builder, ports } = schema;
  const result = addResult(schema, types, model, "Create");
  builder.mutationField(`create${model.name}`, (t) =>
    t.field({
      type: result,
      description: `Creates a record of ${model.name}.`,
      args: { data: t.arg({ type: createInput(schema, model), required: true }) },
      resolve: (_root, args, context, info) =>
        withData(schema, model, args.data, (data) =>
          ports.writeRecords.create({ ...requestOf(model, "Create", context, info), data }),
        ),
    }),
  );
}

function addUpdateField(schema: ModelSchema, types: TypeLookup, model: Model, input: AnyInputRef): void {
  const { builder, ports } = schema;
  const result = addResult(schema, types, model, "Update");
  builder.mutationField(`update${model.name}`, (t) =>
    t.field({
      type: result,
      description: `Changes a record of ${model.name}. Refused while a task holds it.`,
      args: { id: t.arg.id({ required: true }), data: t.arg({ type: input, required: true }) },
      resolve: (_root, args, context, info) =>
        withData(schema, model, args.data, (data) =>
          ports.writeRecords.update({ ...requestOf(model, "Update", context, info), id: args.id, data }),
        ),
    }),
  );
}

function addDeleteField(schema: ModelSchema, types: TypeLookup, model: Model): void {
  const { builder, ports } = schema;
  const result = addResult(schema, types, model, "Delete");
  builder.mutationField(`delete${model.name}`, (t) =>
    t.field({
      type: result,
      description: `Deletes a record of ${model.name}, and hands it back as it was. Refused while a task holds it.`,
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, context, info) =>
        ports.writeRecords.delete({ ...requestOf(model, "Delete", context, info), id }),
    }),
  );
}

/** The union of what may become of the write: the payload with the record, or why not. */
function addResult({ builder, refs }: ModelSchema, types: TypeLookup, model: Model, verb: Verb): ResultRef {
  const name = payloadName(model, verb);
  const payload = builder.objectRef<Written>(name).implement({
    description: verb === "Delete" ? "The record that is gone, as it was." : "The record as it is now.",
    fields: (t) => ({
      [namesOf(model).one]: t.field({
        type: types.object(model.name),
        resolve: ({ record }) => record as never,
      }),
    }),
  });
  const missing = verb === "Create" ? [] : [refs.notFoundError];
  return builder.unionType(`${verb}${model.name}Result`, {
    description: "A refusal has changed nothing.",
    types: [payload, refs.conflictError, refs.validationError, ...missing, refs.unavailableError] as never,
    resolveType: (outcome: WriteOutcome) => memberOf(outcome, name),
  });
}

const MEMBERS = {
  CONFLICT: "ConflictError",
  INVALID: "ValidationError",
  MISSING: "NotFoundError",
  UNAVAILABLE: "UnavailableError",
} as const;

function memberOf(outcome: WriteOutcome, payload: string): string {
  if (outcome.outcome === "WRITTEN") {
    return payload;
  }
  if (outcome.outcome === "STALE") {
    throw new TypeError("no mutation asks for a check on staleness yet");
  }
  return MEMBERS[outcome.outcome];
}

function payloadName(model: Model, verb: Verb): string {
  return `${verb}${model.name}Payload`;
}

function requestOf(
  model: Model,
  verb: Verb,
  context: GraphQLContext,
  info: GraphQLResolveInfo,
): { model: string; viewer: GraphQLContext["viewer"]; shape: unknown } {
  const path = [{ type: payloadName(model, verb), name: namesOf(model).one }];
  const select = plannedSelect(context, info, {
    typeName: model.name,
    select: keySelect(model),
    paths: [path],
  });
  return { model: model.name, viewer: context.viewer, shape: { select } };
}

async function withData(
  schema: ModelSchema,
  model: Model,
  input: unknown,
  write: (data: Readonly<Record<string, unknown>>) => Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  const parsed = parseData(schema.models, model, input as DataArgument);
  return "problems" in parsed ? invalid(parsed.problems) : write(parsed.data);
}

function invalid(problems: readonly RecordProblem[]): WriteOutcome {
  return { outcome: "INVALID", message: problems.map((problem) => problem.message).join(" "), problems };
}
