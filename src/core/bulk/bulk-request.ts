import type { Json } from "../../kernel/json.ts";
import type { LinkChange, RecordChange } from "../records/change.ts";
import type { Selection } from "../filters/selection.ts";
import type { Viewer } from "../access/viewer.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";

/** Values of one record by field name, in plain JSON as in a change; relations as changes of their links. */
export type RowData = Readonly<Record<string, Json | LinkChange>>;

/** A change of one record of its own. */
export interface UpdateRow {
  readonly id: string;
  readonly data: RowData;
  /** What its `@updatedAt` must still be, in ISO 8601; left out where it does not matter. */
  readonly expectedUpdatedAt?: string;
}

/** What is to become of a record whether it is there or not. */
export interface UpsertRow {
  readonly id: string;
  /** Without the key, or with the same. */
  readonly create: RowData;
  readonly update: RowData;
}

/** What is to be done, and to which records. */
export type BulkTarget =
  | { readonly operation: "UPDATE"; readonly selection: Selection; readonly change: RecordChange }
  | { readonly operation: "DELETE"; readonly selection: Selection }
  | { readonly operation: "CREATE"; readonly records: readonly RowData[] }
  | { readonly operation: "UPDATE_EACH"; readonly records: readonly UpdateRow[] }
  | { readonly operation: "UPSERT"; readonly records: readonly UpsertRow[] };

/** One bulk operation, as the API receives it. */
export type BulkRequest = {
  readonly model: string;
  readonly viewer: Viewer;
  readonly options: LaunchOptions;
} & BulkTarget;

/** The use case behind every bulk mutation: see launch-bulk. */
export type LaunchBulk = (request: BulkRequest) => Promise<LaunchOutcome>;
