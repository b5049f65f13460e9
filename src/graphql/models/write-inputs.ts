import { changeableLinks } from "../../core/bulk/bulk-rules.ts";
import type { WriteSort } from "../../core/records/field-switches.ts";
import { namingKeys } from "../../core/records/record-name.ts";
import {
  changeableColumns,
  creatableColumns,
  isKeyCreatable,
  isNeeded,
} from "../../core/records/writable-fields.ts";
import type { ColumnField, Field, Model } from "../../core/records/model.ts";
import { canCreate } from "../../core/records/model.ts";
import { idsOf } from "../record-ids.ts";
import { SHARED_INPUTS } from "./model-names.ts";
import type { ModelSchema } from "./model-schema.ts";
import { columnType } from "./model-schema.ts";
import type { AnyInputRef, InputBuilder, InputFields } from "./pothos-dynamic.ts";

/**
 * `CityCreateInput`: every column but `@updatedAt`, and links of many-to-many relations by id. Where bulk operations may
 * write fewer fields, theirs is `CityBulkCreateInput`. Undefined for a model whose records cannot be created.
 */
export function createInput(schema: ModelSchema, model: Model, sort: WriteSort): AnyInputRef | undefined {
  const isOwn = sort === "BULK" && hasFewer(schema, model, creatableColumns);
  const name = schema.names.of(model)[isOwn ? "bulkCreateInput" : "createInput"];
  return newRecordInput(schema, model, sort, { name, optional: [] });
}

/**
 * `CityUpsertCreateInput`: the same, but what can name the record may be left out. Undefined also for a model of which
 * callers can choose no key of a new record.
 */
export function upsertCreateInput(
  schema: ModelSchema,
  model: Model,
  sort: WriteSort,
): AnyInputRef | undefined {
  const keys = [model.key, ...namingKeys(model).map(({ fields }) => fields)];
  if (!keys.some((key) => isKeyCreatable(model, sort, key))) {
    return undefined;
  }
  const isOwn = sort === "BULK" && hasFewer(schema, model, creatableColumns);
  const name = schema.names.of(model)[isOwn ? "bulkUpsertCreateInput" : "upsertCreateInput"];
  return newRecordInput(schema, model, sort, { name, optional: keys.flat().map((field) => field.name) });
}

/** @param input its name, and the names of fields that may be left out in any case */
function newRecordInput(
  schema: ModelSchema,
  model: Model,
  sort: WriteSort,
  input: { readonly name: string; readonly optional: readonly string[] },
): AnyInputRef | undefined {
  if (!canCreate(model)) {
    return undefined;
  }
  return schema.input(input.name, {
    description: `A new record of ${model.apiName}.`,
    fields: (t) => ({
      ...columnInputs(
        schema,
        creatableColumns(model, sort),
        t,
        (field) => isNeeded(field) && !input.optional.includes(field.name),
      ),
      ...linkInputs(schema, model, sort, ({ apiName: type, name: owner }) =>
        t.field({ type: ["ID"], ...idsOf(owner), description: `Ids of records of ${type} to link with.` }),
      ),
    }),
  });
}

/**
 * `CityUpdateInput`; undefined for a model with nothing that can be changed. Where bulk operations may write fewer fields,
 * that of their records is `CityUpdateEachDataInput`.
 */
export function updateInput(schema: ModelSchema, model: Model, sort: WriteSort): AnyInputRef | undefined {
  const columns = changeableColumns(model, sort);
  if (columns.length === 0 && changeableLinks(schema.models, model, sort).length === 0) {
    return undefined;
  }
  const isOwn = sort === "BULK" && hasFewer(schema, model, changeableColumns);
  const name = schema.names.of(model)[isOwn ? "updateEachDataInput" : "updateInput"];
  return schema.input(name, {
    description: `A change of a record of ${model.apiName}: what is left out stays as it is, null clears a value that may be missing.`,
    fields: (t) => ({
      ...columnInputs(schema, columns, t, () => false),
      ...linkInputs(schema, model, sort, ({ apiName: type, name: owner }) =>
        t.field({ type: manyChange(schema), ...idsOf(owner), description: `Links with records of ${type}.` }),
      ),
    }),
  });
}

/** Whether bulk operations may write fewer fields than single writes. */
function hasFewer(
  { models }: ModelSchema,
  model: Model,
  columnsFor: (of: Model, sort: WriteSort) => readonly Field[],
): boolean {
  const count = (sort: WriteSort): number =>
    columnsFor(model, sort).length + changeableLinks(models, model, sort).length;
  return count("BULK") < count("SINGLE");
}

function columnInputs(
  schema: ModelSchema,
  columns: readonly ColumnField[],
  t: InputBuilder,
  isRequired: (field: ColumnField) => boolean,
): InputFields {
  return Object.fromEntries(
    columns.map((field) => {
      const type = columnType(schema, field);
      const options = {
        required: isRequired(field),
        ...(field.documentation === undefined ? {} : { description: field.documentation }),
      };
      return [
        field.apiName,
        field.isList ? t.field({ type: [type], ...options }) : t.field({ type, ...options }),
      ];
    }),
  );
}

function linkInputs(
  schema: ModelSchema,
  model: Model,
  sort: WriteSort,
  input: (target: Model) => InputFields[string],
): InputFields {
  return Object.fromEntries(
    changeableLinks(schema.models, model, sort).map((field) => [
      field.apiName,
      input(schema.models.get(field.type)),
    ]),
  );
}

/** `ManyChange`. */
export function manyChange(schema: ModelSchema): AnyInputRef {
  return schema.input(SHARED_INPUTS.manyChange, {
    description:
      "A change of a record's links: `set` replaces them all and goes alone; `add` and `remove` may go together, each with other ids.",
    fields: (t) => ({
      add: t.field({ type: ["ID"], description: "Ids to link with; those that are linked already stay so." }),
      remove: t.field({
        type: ["ID"],
        description: "Ids to unlink; those that are not linked are no error.",
      }),
      set: t.field({ type: ["ID"], description: "The only ids to be linked with from now on." }),
    }),
  });
}
