import type { Access } from "../access/access.ts";
import type { Model } from "../records/model.ts";
import type { AppHooks } from "../records/record-hooks.ts";
import { columnsOf } from "../records/model.ts";
import { scopeChecks } from "../records/scope-checks.ts";
import type { UpdatedFields } from "../records/side-effects.ts";
import type { Viewer } from "../access/viewer.ts";
import type { BulkOperation, RecordWork } from "./record-writer.ts";
import { namedFields, parseRowField } from "./row-field.ts";
import { writtenScope } from "./write-rights.ts";

/**
 * The model's fields that an operation on rows writes: those that the rows name, and those that the database or the app
 * fills in for a new record.
 * @param fields of the batch, see row-field
 */
export function writtenFieldsOf(
  model: Model,
  operation: BulkOperation["operation"],
  fields: readonly string[],
  hooks: Pick<AppHooks, "mayAddValues"> | undefined,
): readonly string[] {
  const isCreated = operation === "CREATE" || operation === "UPSERT";
  const filledIn = isCreated
    ? columnsOf(model).filter(({ hasDefault }) => hasDefault || hooks?.mayAddValues === true)
    : [];
  const key = isCreated ? model.key : [];
  return [...new Set([...namedFields(fields), ...[...key, ...filledIn].map(({ name }) => name)])];
}

/** The columns that a batch updates, and the relations whose links it replaces. */
export function updatedFieldsOf(fields: readonly string[]): UpdatedFields {
  const updating = fields.map(parseRowField).filter((field) => "part" in field && field.part === "update");
  return {
    columns: updating.flatMap((field) => (field.kind === "VALUE" ? [field.field] : [])),
    replaced: updating.flatMap((field) =>
      field.kind === "LINKS" && field.operator === "set" ? [field.field] : [],
    ),
  };
}

/** The checks that keep what is written within the viewer's scope; left out where there is nothing to check. */
export function scopeChecksOf(
  access: Access,
  model: Model,
  viewer: Viewer,
  operation: BulkOperation["operation"],
  written: readonly string[],
): Pick<RecordWork, "scopeChecks"> {
  const own = writtenScope(access, viewer, model, operation);
  return scopeChecks(access, model, viewer, written, own).length === 0
    ? {}
    : { scopeChecks: (fields) => scopeChecks(access, model, viewer, fields, own) };
}
