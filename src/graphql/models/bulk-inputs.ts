import type { ColumnField, Model } from "../../core/records/model.ts";
import { changeableColumns } from "../../core/bulk/bulk-rules.ts";
import { columnType, columnTypeName } from "./column-types.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";
import type { AnyInputRef } from "./pothos-dynamic.ts";
import { whereInput } from "./where-input.ts";

const NUMERIC = new Set(["Int", "BigInt", "Float", "Decimal"]);

/** `CitySelection`: ids or a filter. */
export function selectionInput(schema: ModelSchema, mode: AnyEnumRef, model: Model): AnyInputRef {
  const name = `${model.name}Selection`;
  return schema.input(name, {
    description: `The records of ${model.name} that a bulk operation is aimed at, within what the caller may write.`,
    isOneOf: true,
    fields: (t) => ({
      ids: t.field({ type: ["ID"], description: "These; those that are not there are skipped." }),
      where: t.field({
        type: whereInput(schema, mode, model),
        description:
          "All that match now. `{}` means every one, and is taken only with `options.maxAffected`.",
      }),
    }),
  });
}

/** `CityBulkUpdateInput`; undefined for a model of which nothing can be changed in bulk. */
export function bulkUpdateInput(schema: ModelSchema, model: Model): AnyInputRef | undefined {
  const columns = changeableColumns(model, schema.ports.rules);
  if (columns.length === 0) {
    return undefined;
  }
  const name = `${model.name}BulkUpdateInput`;
  return schema.input(name, {
    description: `The change made to each of the selected records of ${model.name}. Only the columns that it names are written.`,
    fields: (t) =>
      Object.fromEntries(
        columns.map((field) => [
          field.name,
          t.field({
            type: changeInput(schema, field),
            ...(field.documentation === undefined ? {} : { description: field.documentation }),
          }),
        ]),
      ),
  });
}

/** `IntChange`, `StringChange`, `CityStatusChange`, `StringListChange` … */
function changeInput(schema: ModelSchema, field: ColumnField): AnyInputRef {
  const name = `${columnTypeName(field)}${field.isList ? "List" : ""}Change`;
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

/** `BulkOptions`. */
export function addBulkOptions(schema: ModelSchema): AnyInputRef {
  const { builder } = schema;
  const onConflict = builder.enumType("OnConflict", {
    description: "How a launch meets records that another task holds, or stands in line for.",
    values: {
      REJECT: { description: "Refuse the whole launch, naming records and holders." },
      SKIP: {
        description:
          "Do the rest. The held records count as skipped, and stand among the task's errors with their holders.",
      },
      WAIT: {
        description:
          "Stand in line, first come, first served per record: the task is WAITING until all of its records are free.",
      },
    },
  });
  const errorPolicy = builder.enumType("ErrorPolicy", {
    description: "What happens when some records cannot be written.",
    values: {
      ALL_OR_NOTHING: { description: "Every record is changed, or none." },
      SKIP_FAILED: {
        description: "Every record that can be changed is; the others are named with the reason.",
      },
    },
  });
  const mode = builder.enumType("RunMode", {
    description: "Where a task runs.",
    values: {
      AUTO: { description: "In the request when it is small, else in a worker." },
      SYNC: { description: "In the request; the answer has the settled task." },
      ASYNC: { description: "In a worker." },
    },
  });
  return schema.input("BulkOptions", {
    description: "How a bulk operation is carried out.",
    fields: (t) => ({
      onConflict: t.field({ type: onConflict, defaultValue: "REJECT" }),
      errorPolicy: t.field({ type: errorPolicy, defaultValue: "ALL_OR_NOTHING" }),
      mode: t.field({ type: mode, defaultValue: "AUTO" }),
      idempotencyKey: t.string({
        description:
          "The same key with the same input gives the first task again; with other input it is refused. At most 200 characters.",
      }),
      maxAffected: t.int({
        description: "Refuse when more records match. Needed with a filter that matches everything.",
      }),
      label: t.string({ description: "Shown beside the task. At most 200 characters." }),
    }),
  });
}
