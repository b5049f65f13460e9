import { changeableLinks } from "../../core/bulk/bulk-rules.ts";
import { changeableColumns } from "../../core/records/writable-fields.ts";
import type { ColumnField, Model } from "../../core/records/model.ts";
import { idsOf } from "../record-ids.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import { searchWords } from "./list-arguments.ts";
import { columnNames, columnType } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import { whereInput } from "./where-input.ts";
import { manyChange } from "./write-inputs.ts";

const NUMERIC = new Set(["Int", "BigInt", "Float", "Decimal"]);

/** `CitySelection`: ids, a filter, or a search. */
export function selectionInput(schema: ModelSchema, mode: AnyEnumRef, model: Model): AnyInputRef {
  const name = schema.names.of(model).selection;
  return schema.input(name, {
    description: `The records of ${model.apiName} that a bulk operation is aimed at, within what the caller may write.`,
    isOneOf: true,
    fields: (t) => ({
      ids: t.field({
        type: ["ID"],
        ...idsOf(model.name),
        description: "These; those that are not there are skipped.",
      }),
      where: t.field({
        type: whereInput(schema, mode, model),
        description:
          "All that match now. `{}` means every one, and is taken only with `options.maxAffected`.",
      }),
      ...(model.search === undefined
        ? {}
        : {
            search: t.field({
              type: searchInput(schema, mode, model),
              description: "All that a list with this search and this filter has now.",
            }),
          }),
    }),
  });
}

/** `CitySearch`: what a list takes as `search` and `where`. */
function searchInput(schema: ModelSchema, mode: AnyEnumRef, model: Model): AnyInputRef {
  return schema.input(schema.names.of(model).search, {
    description: `A search in the records of ${model.apiName}, and a filter.`,
    fields: (t) => ({
      text: t.field({ type: "String", required: true, description: searchWords(model) }),
      where: t.field({ type: whereInput(schema, mode, model), description: "Default: no filter." }),
    }),
  });
}

/** `CityBulkUpdateInput`; undefined for a model with nothing that can be changed in bulk. */
export function bulkUpdateInput(schema: ModelSchema, model: Model): AnyInputRef | undefined {
  const columns = changeableColumns(model, "BULK");
  const links = changeableLinks(schema.models, model, "BULK");
  if (columns.length === 0 && links.length === 0) {
    return undefined;
  }
  const name = schema.names.of(model).bulkUpdateInput;
  return schema.input(name, {
    description: `The change made to each of the selected records of ${model.apiName}. Only the columns and links that it names are written.`,
    fields: (t) =>
      Object.fromEntries([
        ...columns.map((field) => [
          field.apiName,
          t.field({
            type: changeInput(schema, field),
            ...(field.documentation === undefined ? {} : { description: field.documentation }),
          }),
        ]),
        ...links.map((field) => [
          field.apiName,
          t.field({
            type: manyChange(schema),
            ...idsOf(field.type),
            description: `Links with records of ${schema.models.get(field.type).apiName}.`,
          }),
        ]),
      ]),
  });
}

/** `IntChange`, `StringChange`, `CityStatusChange`, `StringListChange` … */
function changeInput(schema: ModelSchema, field: ColumnField): AnyInputRef {
  const names = columnNames(schema, field);
  const name = field.isList ? names.listChange : names.change;
  const type = columnType(schema, field);
  return schema.input(name, {
    description: "What happens to a column. Give exactly one member.",
    fields: (t) => ({
      set: field.isList
        ? t.field({ type: [type], description: "The new items." })
        : t.field({ type, description: "The new value; null clears it where it may be missing." }),
      ...(NUMERIC.has(field.type) && !field.isList
        ? {
            increment: t.field({ type, description: "Adds to the value." }),
            decrement: t.field({ type, description: "Takes from the value." }),
            multiply: t.field({ type, description: "Multiplies the value." }),
          }
        : {}),
    }),
  });
}
