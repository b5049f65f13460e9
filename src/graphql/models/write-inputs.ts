import { changeableLinks } from "../../core/bulk/bulk-rules.ts";
import type { NestedRelation } from "../../core/bulk/nested-relations.ts";
import { nestedRelations } from "../../core/bulk/nested-relations.ts";
import type { WriteSort } from "../../core/records/field-switches.ts";
import { namingKeys } from "../../core/records/record-name.ts";
import {
  changeableColumns,
  creatableColumns,
  isKeyCreatable,
  isNeeded,
} from "../../core/records/writable-fields.ts";
import type { ColumnField, Model, RelationField } from "../../core/records/model.ts";
import { canCreate } from "../../core/records/model.ts";
import { idsOf } from "../record-ids.ts";
import { SHARED_INPUTS } from "./model-names.ts";
import type { ModelSchema } from "./model-schema.ts";
import { columnType } from "./model-schema.ts";
import type { AnyInputRef, InputBuilder, InputFields } from "./pothos-dynamic.ts";

/**
 * `CityCreateInput`: every column but `@updatedAt`, links of many-to-many relations by id, and in single writes the lists
 * that are written with it. That of bulk operations is `CityBulkCreateInput`, also where it has the same fields, so that a list
 * or a switch that is added later renames nothing. Undefined for a model whose records cannot be created.
 */
export function createInput(schema: ModelSchema, model: Model, sort: WriteSort): AnyInputRef | undefined {
  const name = schema.names.of(model)[sort === "BULK" ? "bulkCreateInput" : "createInput"];
  return newRecordInput(schema, model, sort, { name, optional: [], hasNested: sort === "SINGLE" });
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
  const name = schema.names.of(model)[sort === "BULK" ? "bulkUpsertCreateInput" : "upsertCreateInput"];
  return newRecordInput(schema, model, sort, { name, optional: keys.flat().map((field) => field.name) });
}

/** @param input its name, the names of fields that may be left out in any case, and whether it has nested lists */
function newRecordInput(
  schema: ModelSchema,
  model: Model,
  sort: WriteSort,
  input: { readonly name: string; readonly optional: readonly string[]; readonly hasNested?: boolean },
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
      ...createdLinks(schema, model, sort, t),
      ...(input.hasNested === true ? nestedInputs(schema, model, t) : {}),
    }),
  });
}

/** @param filled links that are made without being named */
function createdLinks(
  schema: ModelSchema,
  model: Model,
  sort: WriteSort,
  t: InputBuilder,
  filled?: RelationField,
): InputFields {
  const links = linkInputs(schema, model, sort, ({ apiName: type, name: owner }) =>
    t.field({ type: ["ID"], ...idsOf(owner), description: `Ids of records of ${type} to link with.` }),
  );
  return Object.fromEntries(Object.entries(links).filter(([name]) => name !== filled?.apiName));
}

/** The lists that are written together with a record: `cities: CountryNestedCitiesInput`, `createTags: [CityNestedTagsCreateInput!]`. */
function nestedInputs(schema: ModelSchema, model: Model, t: InputBuilder): InputFields {
  return Object.fromEntries(
    nestedRelations(schema.models, model).map((nested) => [
      nested.apiName,
      nested.opposite === undefined
        ? t.field({
            type: nestedInput(schema, model, nested),
            description: `Records of ${nested.target.apiName} to write with it: all of it, or nothing.`,
          })
        : t.field({
            type: [nestedCreateInput(schema, model, nested)],
            description: `New records of ${nested.target.apiName} to write with it, linked as its ${nested.field.apiName}: all of it, or nothing.`,
          }),
    ]),
  );
}

function nestedInput(schema: ModelSchema, model: Model, nested: NestedRelation): AnyInputRef {
  const { field, target, canCreate: isCreatable, canConnect } = nested;
  return schema.input(schema.names.of(model).nested[field.name]?.list ?? "", {
    description: `Records of ${target.apiName} to write with a record of ${model.apiName}. They are checked, guarded and written as by their own mutations.`,
    fields: (t) => ({
      ...(isCreatable
        ? {
            create: t.field({
              type: [nestedCreateInput(schema, model, nested)],
              description: "New records.",
            }),
          }
        : {}),
      ...(canConnect
        ? {
            connect: t.field({
              type: ["ID"],
              ...idsOf(target.name),
              description: "Ids of records that are there. They leave the record that they belong to now.",
            }),
          }
        : {}),
    }),
  });
}

function nestedCreateInput(
  schema: ModelSchema,
  model: Model,
  { field, target, foreignKey, opposite }: NestedRelation,
): AnyInputRef {
  const filled = new Set(foreignKey.map(({ column }) => column.name));
  const columns = creatableColumns(target, "SINGLE").filter((column) => !filled.has(column.name));
  return schema.input(schema.names.of(model).nested[field.name]?.create ?? "", {
    description:
      opposite === undefined
        ? `A new record of ${target.apiName}, without what refers to the record that it is written with.`
        : `A new record of ${target.apiName}, linked with the record that it is written with.`,
    fields: (t) => ({
      ...columnInputs(schema, columns, t, isNeeded),
      ...createdLinks(schema, target, "SINGLE", t, opposite),
    }),
  });
}

/** Whether single writes of the model have nested lists, which bulk operations have not. */
function hasNested({ models }: ModelSchema, model: Model): boolean {
  return nestedRelations(models, model).length > 0;
}

/**
 * `CityUpdateInput`, or `CityUpdateEachDataInput` of each record of a bulk operation; undefined for a model with nothing that
 * can be changed.
 */
export function updateInput(schema: ModelSchema, model: Model, sort: WriteSort): AnyInputRef | undefined {
  const name = schema.names.of(model)[sort === "BULK" ? "updateEachDataInput" : "updateInput"];
  return changeInput(schema, model, sort, { name, hasNested: sort === "SINGLE" });
}

/** `CityUpsertUpdateInput`: the same without nested lists, since an upsert writes one record. */
export function upsertUpdateInput(schema: ModelSchema, model: Model): AnyInputRef | undefined {
  const name = schema.names.of(model).upsertUpdateInput;
  return changeInput(schema, model, "SINGLE", { name, hasNested: false });
}

function changeInput(
  schema: ModelSchema,
  model: Model,
  sort: WriteSort,
  input: { readonly name: string; readonly hasNested: boolean },
): AnyInputRef | undefined {
  const columns = changeableColumns(model, sort);
  const isNested = input.hasNested && hasNested(schema, model);
  if (columns.length === 0 && changeableLinks(schema.models, model, sort).length === 0 && !isNested) {
    return undefined;
  }
  return schema.input(input.name, {
    description: `A change of a record of ${model.apiName}: what is left out stays as it is, null clears a value that may be missing.`,
    fields: (t) => ({
      ...columnInputs(schema, columns, t, () => false),
      ...linkInputs(schema, model, sort, ({ apiName: type, name: owner }) =>
        t.field({ type: manyChange(schema), ...idsOf(owner), description: `Links with records of ${type}.` }),
      ),
      ...(isNested ? nestedInputs(schema, model, t) : {}),
    }),
  });
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
