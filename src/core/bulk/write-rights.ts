import type { Access, AccessAction, WhereFilter } from "../access/access.ts";
import { andFilters } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Model } from "../records/model.ts";
import { columnsOf } from "../records/model.ts";
import type { ForbiddenRefusal } from "../refusals/refusals.ts";
import type { BulkOperation } from "./record-writer.ts";
import { namedFieldsOf } from "./row-field.ts";

type Operation = BulkOperation["operation"];

/** What a viewer must be allowed for an operation. An upsert may do both, so it needs both. */
const ACTIONS = {
  CREATE: ["CREATE"],
  UPDATE: ["UPDATE"],
  UPDATE_EACH: ["UPDATE"],
  UPSERT: ["CREATE", "UPDATE"],
  DELETE: ["DELETE"],
} as const satisfies Record<Operation, readonly AccessAction[]>;

const WORDS = { READ: "read", CREATE: "create", UPDATE: "change", DELETE: "delete" } as const;

/** The refusal of an operation that the viewer may do with no record, or not with these fields. */
export function refuseWrite(
  access: Access,
  viewer: Viewer,
  model: Model,
  operation: Operation,
  fields: readonly string[],
): ForbiddenRefusal | undefined {
  const denied = ACTIONS[operation].find((action) => !access.isAllowed(model.name, viewer, action));
  if (denied !== undefined) {
    return { kind: "FORBIDDEN", message: `You may not ${WORDS[denied]} any ${model.apiName}.` };
  }
  for (const name of fields) {
    if (!access.isFieldAllowed(model.name, name, viewer, "WRITE")) {
      const field = model.fields.find((each) => each.name === name)?.apiName ?? name;
      return { kind: "FORBIDDEN", message: `You may not write ${model.apiName}.${field}.` };
    }
  }
  return undefined;
}

/**
 * The same for the fields that batches write because their author named them: not those of new records that have a default.
 * @param fields of the batches, see row-field
 */
export function refuseRows(
  access: Access,
  viewer: Viewer,
  model: Model,
  operation: Operation,
  fields: readonly string[],
): ForbiddenRefusal | undefined {
  const filledIn = new Set(columnsOf(model).flatMap(({ name, hasDefault }) => (hasDefault ? [name] : [])));
  const given = [
    ...namedFieldsOf(fields, "create").filter((name) => !filledIn.has(name)),
    ...namedFieldsOf(fields, "update"),
  ];
  return refuseWrite(access, viewer, model, operation, given);
}

/** What the viewer must be allowed with the records at which the operation is aimed. A CREATE is aimed at none. */
export function targetAction(operation: Operation): AccessAction {
  switch (operation) {
    case "CREATE":
      return "READ";
    case "DELETE":
      return "DELETE";
    case "UPDATE":
    case "UPDATE_EACH":
    case "UPSERT":
      return "UPDATE";
  }
}

/** The records at which the operation may be aimed; undefined means all. */
export function targetScope(
  access: Access,
  viewer: Viewer,
  model: Model,
  operation: Operation,
): WhereFilter | undefined {
  return access.scope(model.name, viewer, targetAction(operation));
}

/** What written records must match; undefined means anything. */
export function writtenScope(
  access: Access,
  viewer: Viewer,
  model: Model,
  operation: Operation,
): WhereFilter | undefined {
  return andFilters(...ACTIONS[operation].map((action) => access.scope(model.name, viewer, action)));
}
