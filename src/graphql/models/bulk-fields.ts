import type { BulkRequest } from "../../core/bulk/bulk-request.ts";
import type { FieldChange, RecordChange } from "../../core/records/change.ts";
import type { Model } from "../../core/records/model.ts";
import type { RecordProblem } from "../../core/records/record-problem.ts";
import type { Selection } from "../../core/records/selection.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { LaunchOutcome } from "../../core/tasks/launch-outcome.ts";
import { isAppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import type { GraphQLContext } from "../context.ts";
import { toJsonValue } from "../pagination/json-value.ts";
import { bulkUpdateInput, selectionInput } from "./bulk-inputs.ts";
import { namesOf } from "./model-names.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import type { WhereArgument } from "./where-filter.ts";
import { parseWhere } from "./where-filter.ts";

/** The inputs that the bulk mutations of all models share. */
export interface BulkEnums {
  readonly mode: AnyEnumRef;
  readonly options: AnyInputRef;
}

type Members = Readonly<Record<string, unknown>>;

/** The bulk mutations of the model: `bulkUpdateCities`, `bulkDeleteCities`. */
export function addBulkFields(schema: ModelSchema, enums: BulkEnums, model: Model): void {
  const change = bulkUpdateInput(schema, model);
  if (change !== undefined) {
    addBulkUpdate(schema, enums, model, change);
  }
  addBulkDelete(schema, enums, model);
}

function addBulkUpdate(schema: ModelSchema, enums: BulkEnums, model: Model, change: AnyInputRef): void {
  schema.builder.mutationField(`bulkUpdate${namesOf(model).Many}`, (t) =>
    t.field({
      type: schema.refs.launchResult,
      description: `Makes the same change to many records of ${model.name}, as a task.`,
      args: {
        selection: t.arg({ type: selectionInput(schema, enums.mode, model), required: true }),
        data: t.arg({ type: change, required: true }),
        options: t.arg({ type: enums.options }),
      },
      resolve: (_root, args, context) =>
        launch(schema, context, model, args, {
          operation: "UPDATE",
          change: parseChange(args.data as Members),
        }),
    }),
  );
}

function addBulkDelete(schema: ModelSchema, enums: BulkEnums, model: Model): void {
  schema.builder.mutationField(`bulkDelete${namesOf(model).Many}`, (t) =>
    t.field({
      type: schema.refs.launchResult,
      description: `Deletes many records of ${model.name}, as a task.`,
      args: {
        selection: t.arg({ type: selectionInput(schema, enums.mode, model), required: true }),
        options: t.arg({ type: enums.options }),
      },
      resolve: (_root, args, context) => launch(schema, context, model, args, { operation: "DELETE" }),
    }),
  );
}

/** The part of a request that is not common to all operations. */
type Operation =
  | { readonly operation: "UPDATE"; readonly change: RecordChange }
  | { readonly operation: "DELETE" };

async function launch(
  schema: ModelSchema,
  context: GraphQLContext,
  model: Model,
  args: { readonly selection?: unknown; readonly options?: unknown },
  operation: Operation,
): Promise<LaunchOutcome> {
  let selection: Selection;
  try {
    selection = parseSelection(schema, model, args.selection as Members);
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    return invalid(error.message, `selection.${String(error.details["field"])}`);
  }
  const request: BulkRequest = {
    model: model.name,
    viewer: context.viewer,
    selection,
    options: parseOptions(args.options as Members | null | undefined),
    ...operation,
  };
  return schema.ports.launchBulk(request);
}

function parseSelection(schema: ModelSchema, model: Model, selection: Members): Selection {
  const { ids, where } = selection;
  return Array.isArray(ids)
    ? { ids: ids as string[] }
    : { where: parseWhere(schema.models, model, where as WhereArgument) };
}

/** What is wrong with it is found by the use case, which every way of launching shares. */
function parseChange(data: Members): RecordChange {
  const members = Object.entries(data)
    .filter(([, change]) => change !== undefined)
    .map(
      ([name, change]) =>
        [name, Object.fromEntries(operatorsOf(change as Members | null)) as FieldChange] as const,
    );
  return Object.fromEntries(members);
}

function operatorsOf(change: Members | null): readonly (readonly [string, Json])[] {
  return Object.entries(change ?? {})
    .filter(([, operand]) => operand !== undefined)
    .map(([operator, operand]) => [operator, toJsonValue(operand)] as const);
}

/** GraphQL has checked names and types, and filled in the defaults; a null stands for what was left out. */
function parseOptions(options: Members | null | undefined): LaunchOptions {
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== null && value !== undefined),
  );
}

function invalid(message: string, field: string): LaunchOutcome {
  const problem: RecordProblem = { code: "VALIDATION_FAILED", message, field };
  return { outcome: "INVALID", message, problems: [problem] };
}
