import { manyToManyOf } from "../../core/bulk/bulk-rules.ts";
import type { ColumnField, Model } from "../../core/records/model.ts";
import { canCreate, columnsOf } from "../../core/records/model.ts";
import { SHARED_INPUTS } from "./model-names.ts";
import type { ModelSchema } from "./model-schema.ts";
import { columnType } from "./model-schema.ts";
import type { AnyInputRef, InputBuilder, InputFields } from "./pothos-dynamic.ts";

/**
 * `CityCreateInput`: every column but `@updatedAt`, and links of many-to-many relations by id. Undefined for a model
 * whose records cannot be created.
 */
export function createInput(schema: ModelSchema, model: Model): AnyInputRef | undefined {
  if (!canCreate(model)) {
    return undefined;
  }
  const name = schema.names.of(model).createInput;
  return schema.input(name, {
    description: `A new record of ${model.apiName}.`,
    fields: (t) => ({
      ...columnInputs(
        schema,
        creatableColumns(model),
        t,
        (field) => !field.isNullable && !field.hasDefault && !field.isList,
      ),
      ...linkInputs(schema, model, (type) =>
        t.field({ type: ["ID"], description: `Ids of records of ${type} to link with.` }),
      ),
    }),
  });
}

/** `CityUpdateInput`; undefined for a model with nothing that can be changed. */
export function updateInput(schema: ModelSchema, model: Model): AnyInputRef | undefined {
  const columns = updatableColumns(model);
  if (columns.length === 0 && manyToManyOf(schema.models, model).length === 0) {
    return undefined;
  }
  const name = schema.names.of(model).updateInput;
  return schema.input(name, {
    description: `A change of a record of ${model.apiName}: what is left out stays as it is, null clears a value that may be missing.`,
    fields: (t) => ({
      ...columnInputs(schema, columns, t, () => false),
      ...linkInputs(schema, model, (type) =>
        t.field({ type: manyChange(schema), description: `Links with records of ${type}.` }),
      ),
    }),
  });
}

/** The columns that a create may set. */
function creatableColumns(model: Model): readonly ColumnField[] {
  return columnsOf(model).filter((field) => !field.isUpdatedAt);
}

/** The columns that an update may set: a record keeps its key. */
function updatableColumns(model: Model): readonly ColumnField[] {
  return creatableColumns(model).filter((field) => !field.isKey);
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
  input: (target: string) => InputFields[string],
): InputFields {
  return Object.fromEntries(
    manyToManyOf(schema.models, model).map((field) => [
      field.apiName,
      input(schema.models.get(field.type).apiName),
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
