import { toRecordName } from "./key-input.ts";
import { givenMembers } from "./model-schema.ts";
import type { RowData, RowsTarget, UpdateRow, UpsertRow } from "../../core/bulk/bulk-request.ts";
import type { NestedRelation } from "../../core/bulk/nested-relations.ts";
import { nestedRelations } from "../../core/bulk/nested-relations.ts";
import type { NestedInput, NestedRecords } from "../../core/bulk/nested-write.ts";
import type { LinkChange } from "../../core/records/change.ts";
import type { Field, Model, ModelRegistry } from "../../core/records/model.ts";
import { toJsonValue } from "../../kernel/json.ts";
import { oncePer } from "../../kernel/once-per.ts";
import { mapInTurns } from "../../kernel/turns.ts";

/** An input as GraphQL passes it: typed, without a prototype. */
export type RowArgument = Readonly<Record<string, unknown>>;

/** A list of records in plain JSON, as tasks store it. The use case validates the values. */
export async function toRows(
  model: Model,
  operation: RowsTarget["operation"],
  rows: readonly RowArgument[],
): Promise<RowsTarget> {
  const data = (value: unknown): RowData => toRowData(model, value as RowArgument);
  switch (operation) {
    case "CREATE":
      return { operation, records: await mapInTurns(rows, data) };
    case "UPDATE_EACH":
      return {
        operation,
        records: await mapInTurns(rows, (row): UpdateRow => ({
          ...toRecordName(row),
          data: data(row["data"]),
          ...expectation(row["expectedUpdatedAt"] as string | null | undefined),
        })),
      };
    case "UPSERT":
      return {
        operation,
        records: await mapInTurns(rows, (row): UpsertRow => ({
          ...toRecordName(row),
          create: data(row["create"]),
          update: data(row["update"]),
        })),
      };
  }
}

/** The values of one record in plain JSON; a list of ids to link with becomes a change of links. */
export function toRowData(model: Model, data: RowArgument): RowData {
  const fields = fieldsOfApi(model);
  const row: Record<string, RowData[string]> = {};
  for (const apiName of Object.keys(data)) {
    const value = data[apiName];
    if (value !== undefined) {
      const field = fields.get(apiName);
      row[field?.name ?? apiName] = field?.kind === "relation" ? toLinks(value) : toJsonValue(value);
    }
  }
  return row;
}

/** The values of one record, and the records that are written together with it. */
export interface SingleData {
  readonly data: RowData;
  /** Left out: none. */
  readonly nested?: NestedInput;
}

/** Takes the nested lists out of the values of a single write. */
export function toSingleData(models: ModelRegistry, model: Model, given: RowArgument): SingleData {
  const relations = nestedRelations(models, model);
  if (relations.every(({ apiName }) => given[apiName] === undefined)) {
    return { data: toRowData(model, given) };
  }
  const relationOf = (name: string): NestedRelation | undefined =>
    relations.find(({ apiName }) => apiName === name);
  const members = Object.entries(given).filter(([, value]) => value !== undefined);
  const nested = members.flatMap(([name, value]) => {
    const relation = relationOf(name);
    return relation === undefined
      ? []
      : [[relation.field.name, toNestedRecords(relation, value as NestedArgument | null)] as const];
  });
  return {
    data: toRowData(model, Object.fromEntries(members.filter(([name]) => !relationOf(name)))),
    nested: Object.fromEntries(nested),
  };
}

/** A nested list as GraphQL passes it: of links, only new records. */
type NestedArgument =
  | readonly RowArgument[]
  | { readonly create?: readonly RowArgument[] | null; readonly connect?: readonly string[] | null };

function toNestedRecords({ target }: NestedRelation, value: NestedArgument | null): NestedRecords | null {
  if (value === null) {
    return null;
  }
  const { create, connect } = "length" in value ? { create: value } : givenMembers(value);
  return {
    ...(create ? { create: create.map((row) => toRowData(target, row)) } : {}),
    ...(connect ? { connect } : {}),
  };
}

/** The model's fields by their names in the API. */
export const fieldsOfApi: (model: Model) => ReadonlyMap<string, Field> = oncePer(
  (model) => new Map(model.fields.map((field) => [field.apiName, field])),
);

/** In a change, a null member counts as left out. A null instead of the whole change is refused later. */
function toLinks(value: unknown): LinkChange | null {
  if (value === null) {
    return null;
  }
  return Array.isArray(value) ? { add: value as string[] } : givenMembers(value as LinkChange);
}

function expectation(value: string | null | undefined): Pick<UpdateRow, "expectedUpdatedAt"> {
  return value === undefined ? {} : { expectedUpdatedAt: value };
}
