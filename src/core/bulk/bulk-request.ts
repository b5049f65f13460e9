import type { WhereFilter } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { LinkChange, RecordChange } from "../records/change.ts";
import type { RecordName } from "../records/record-name.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import type { Json } from "../../kernel/json.ts";

/** Values of one record by field name, in plain JSON as in a change; relations as changes of their links. */
export type RowData = Readonly<Record<string, Json | LinkChange>>;

/** One record, with a change of its own. */
export type UpdateRow = RecordName & {
  readonly data: RowData;
  /** The `@updatedAt` that it must still have, in ISO 8601. Default: any. Null is refused. */
  readonly expectedUpdatedAt?: string | null;
};

/** One record, with the values to create it and those to update it. */
export type UpsertRow = RecordName & {
  /** Without the values that name the record, or with the same. */
  readonly create: RowData;
  readonly update: RowData;
};

/** An operation on a list of records, each with values of its own. */
export type RowsTarget =
  | { readonly operation: "CREATE"; readonly records: readonly RowData[] }
  | { readonly operation: "UPDATE_EACH"; readonly records: readonly UpdateRow[] }
  | { readonly operation: "UPSERT"; readonly records: readonly UpsertRow[] };

/** An operation, and the records that it is for. */
export type BulkTarget =
  | { readonly operation: "UPDATE"; readonly selection: Selection; readonly change: RecordChange }
  | { readonly operation: "DELETE"; readonly selection: Selection }
  | RowsTarget;

/** One bulk operation, as the API receives it. */
export type BulkRequest = {
  readonly model: string;
  readonly viewer: Viewer;
  readonly options: LaunchOptions;
  /** Says that the caller has left, while the records are still looked for. */
  readonly signal?: AbortSignal | undefined;
} & BulkTarget;

/** The use case behind every bulk mutation: see launch-bulk. */
export type LaunchBulk = (request: BulkRequest) => Promise<LaunchOutcome>;

/** The API's name of the list of records, for the paths of problems: `data` in a bulk create, else `records`. */
export function listName(operation: RowsTarget["operation"]): string {
  return operation === "CREATE" ? "data" : "records";
}

/** The paths in the caller's input of a record's parts; empty for parts at the top. */
export interface RowPaths {
  /** Of its `id` or `key`, and of `expectedUpdatedAt`. */
  readonly record: string;
  /** Of the values to create it. */
  readonly create: string;
  /** Of the values to update it. */
  readonly update: string;
}

/** The paths of the record at a place in a list. */
export function listedRowPaths(operation: RowsTarget["operation"], at: number): RowPaths {
  const record = `${listName(operation)}.${at}`;
  switch (operation) {
    case "CREATE":
      return { record, create: record, update: record };
    case "UPDATE_EACH":
      return { record, create: record, update: `${record}.data` };
    case "UPSERT":
      return { record, create: `${record}.create`, update: `${record}.update` };
  }
}

/** The path of a field in a part of a record. */
export function fieldPath(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}

/**
 * The records that a bulk operation is aimed at: by id, or by filter, and then also by search, as lists are. Always narrowed
 * to the viewer's scope.
 */
export type Selection =
  | { readonly ids: readonly string[] }
  | { readonly where: WhereFilter; readonly search?: string };
