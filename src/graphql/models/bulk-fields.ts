import type { FieldChange, LinkChange, RecordChange } from "../../core/records/change.ts";
import type { Model } from "../../core/records/model.ts";
import type { Selection } from "../../core/records/selection.ts";
import type { Parsed } from "../../core/refusals/problems.ts";
import { problem } from "../../core/refusals/problems.ts";
import { isAppError } from "../../kernel/app-error.ts";
import { toJsonValue } from "../pagination/json-value.ts";
import { bulkUpdateInput, selectionInput } from "./bulk-inputs.ts";
import { launch } from "./bulk-launch.ts";
import { givenMembers } from "./row-data.ts";
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

/** The bulk mutations of the model that are aimed at a selection: `bulkUpdateCities`, `bulkDeleteCities`. */
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
  schema.builder.mutationField(`bulkDelete${namesOf(model).Many}`, (t) =>
    t.field({
      type: schema.refs.launchResult,
      description: `Deletes many records of ${model.name}, as a task.`,
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

function parseSelection(schema: ModelSchema, model: Model, { ids, where }: Members): Parsed<Selection> {
  if (Array.isArray(ids)) {
    return { value: { ids: ids as string[] } };
  }
  try {
    return { value: { where: parseWhere(schema.models, model, where as WhereArgument) } };
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    return { problems: [problem(error.message, `selection.${String(error.details["field"])}`)] };
  }
}

/** What is wrong with it is found by the use case, which every way of launching shares. */
function toChange(model: Model, data: Members): RecordChange {
  const links = new Set(model.fields.filter(({ kind }) => kind === "relation").map(({ name }) => name));
  const members = Object.entries(data)
    .filter(([, change]) => change !== undefined)
    .map(([name, change]): [string, FieldChange | LinkChange] => {
      const operators = (change ?? {}) as Members;
      return [name, links.has(name) ? givenMembers(operators) : operandsOf(operators)];
    });
  return Object.fromEntries(members);
}

function operandsOf(operators: Members): FieldChange {
  const members = Object.entries(operators)
    .filter(([, operand]) => operand !== undefined)
    .map(([operator, operand]) => [operator, toJsonValue(operand)] as const);
  return Object.fromEntries(members) as unknown as FieldChange;
}
