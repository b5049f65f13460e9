import type { BulkTarget, Selection } from "../../core/bulk/bulk-request.ts";
import type { FieldChange, LinkChange, RecordChange } from "../../core/records/change.ts";
import type { Model } from "../../core/records/model.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { LaunchOutcome } from "../../core/tasks/launch/launch-outcome.ts";
import type { GraphQLContext } from "../builder.ts";
import type { Parsed } from "../../core/refusals/problems.ts";
import { invalid } from "../../core/refusals/problems.ts";
import { bulkUpdateInput, selectionInput } from "./bulk-inputs.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import { givenMembers } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import { parseFilter } from "../../core/filters/parse-filter.ts";
import { toJsonValue } from "../../kernel/json.ts";
import { fieldsOfApi } from "./row-data.ts";

/** The inputs that the bulk mutations of all models share. */
interface BulkEnums {
  readonly mode: AnyEnumRef;
  readonly options: AnyInputRef;
}

type Members = Readonly<Record<string, unknown>>;

/** The model's bulk mutations of a selection: `bulkUpdateCities`, `bulkDeleteCities`. */
export function addBulkFields(schema: ModelSchema, enums: BulkEnums, model: Model): void {
  const change = bulkUpdateInput(schema, model);
  if (change !== undefined) {
    addBulkUpdate(schema, enums, model, change);
  }
  addBulkDelete(schema, enums, model);
}

function addBulkUpdate(schema: ModelSchema, enums: BulkEnums, model: Model, change: AnyInputRef): void {
  schema.builder.mutationField(schema.names.of(model).bulkUpdate, (t) =>
    t.field({
      type: schema.refs.launchResult,
      description: `Makes the same change to many records of ${model.apiName}, as a task.`,
      args: {
        selection: t.arg({ type: selectionInput(schema, enums.mode, model), required: true }),
        data: t.arg({ type: change, required: true }),
        options: t.arg({ type: enums.options }),
      },
      resolve: (_root, { selection, data, options }, context) =>
        launch(schema, context, {
          model,
          options: options as Members | null | undefined,
          parse() {
            const parsed = parseSelection(schema, model, selection as Members);
            return "problems" in parsed
              ? parsed
              : {
                  value: {
                    operation: "UPDATE",
                    selection: parsed.value,
                    change: toChange(model, data as Members),
                  },
                };
          },
        }),
    }),
  );
}

function addBulkDelete(schema: ModelSchema, enums: BulkEnums, model: Model): void {
  schema.builder.mutationField(schema.names.of(model).bulkDelete, (t) =>
    t.field({
      type: schema.refs.launchResult,
      description: `Deletes many records of ${model.apiName}, as a task.`,
      args: {
        selection: t.arg({ type: selectionInput(schema, enums.mode, model), required: true }),
        options: t.arg({ type: enums.options }),
      },
      resolve: (_root, { selection, options }, context) =>
        launch(schema, context, {
          model,
          options: options as Members | null | undefined,
          parse() {
            const parsed = parseSelection(schema, model, selection as Members);
            return "problems" in parsed
              ? parsed
              : { value: { operation: "DELETE", selection: parsed.value } };
          },
        }),
    }),
  );
}

function parseSelection(
  schema: ModelSchema,
  model: Model,
  { ids, where, search }: Members,
): Parsed<Selection> {
  if (Array.isArray(ids)) {
    return { value: { ids: ids as string[] } };
  }
  const searched = search as { readonly text: string; readonly where?: unknown } | null | undefined;
  const path = searched ? "search.where" : "where";
  const parsed = parseFilter(schema.models, model, searched ? (searched.where ?? {}) : where, path);
  return "value" in parsed
    ? { value: { where: parsed.value, ...(searched ? { search: searched.text } : {}) } }
    : {
        problems: parsed.problems.map((problem) => ({
          ...problem,
          field: `selection.${problem.field ?? path}`,
        })),
      };
}

/** The change in plain JSON. The use case validates it, since it can be launched in other ways, too. */
function toChange(model: Model, data: Members): RecordChange {
  const fields = fieldsOfApi(model);
  const members = Object.entries(data)
    .filter(([, change]) => change !== undefined)
    .map(([apiName, change]): [string, FieldChange | LinkChange] => {
      const operators = (change ?? {}) as Members;
      const field = fields.get(apiName);
      return [
        field?.name ?? apiName,
        field?.kind === "relation" ? givenMembers(operators) : operandsOf(operators),
      ];
    });
  return Object.fromEntries(members);
}

function operandsOf(operators: Members): FieldChange {
  const members = Object.entries(operators)
    .filter(([, operand]) => operand !== undefined)
    .map(([operator, operand]) => [operator, toJsonValue(operand)] as const);
  return Object.fromEntries(members) as unknown as FieldChange;
}

/** One bulk mutation's request. */
interface BulkLaunch {
  readonly model: Model;
  /** As GraphQL passes them: names and types are checked, defaults filled in. */
  readonly options: LaunchOptions | null | undefined;
  readonly parse: () => Parsed<BulkTarget> | Promise<Parsed<BulkTarget>>;
}

/** Launches the operation; input that cannot be parsed is refused as invalid. */
export async function launch(
  { ports }: ModelSchema,
  { viewer, client }: GraphQLContext,
  { model, options, parse }: BulkLaunch,
): Promise<LaunchOutcome> {
  const target = await parse();
  if ("problems" in target) {
    return invalid(target.problems);
  }
  const given = givenMembers(options ?? {});
  return ports.launchBulk({
    model: model.name,
    viewer,
    options: given,
    // To have a signal made costs something, and ids are not looked for.
    ...("selection" in target.value && "where" in target.value.selection ? { signal: client?.signal } : {}),
    ...target.value,
  });
}
