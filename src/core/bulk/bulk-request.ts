import type { RecordChange } from "../records/change.ts";
import type { Selection } from "../records/selection.ts";
import type { Viewer } from "../records/viewer.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { LaunchOutcome } from "../tasks/launch-outcome.ts";

/** One bulk operation, as the API receives it. */
export type BulkRequest = {
  readonly model: string;
  readonly selection: Selection;
  readonly viewer: Viewer;
  readonly options: LaunchOptions;
} & ({ readonly operation: "UPDATE"; readonly change: RecordChange } | { readonly operation: "DELETE" });

/** The use case behind every bulk mutation: see launch-bulk. */
export type LaunchBulk = (request: BulkRequest) => Promise<LaunchOutcome>;
